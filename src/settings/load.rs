//! From files, flags and environment to settings that are known to work, with their profiles.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use config::{Config, ConfigError, Map, Value};
use sha2::{Digest, Sha256};

use super::content::{Content, Disk, Files};
use super::locate::{keys, line_of};
use super::{Problem, Settings, SettingsError, validate, yaml};
use crate::profile::Profile;

/// One setting said by a flag or an environment variable, which stands above the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// The dotted key, such as `web.listen_address`.
    pub key: String,
    /// Its value as text.
    pub value: String,
    /// How it was said, for messages: `--web.listen-address` or `DRIFTGAUGE_WEB_LISTEN_ADDRESS`.
    pub place: String,
}

/// Where settings come from.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// The settings file; `None`: defaults and overrides only.
    pub path: Option<PathBuf>,
    /// What flags and environment say; holds always.
    pub overrides: Vec<Override>,
}

/// Settings that are known to work.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The settings; paths are absolute or relative to the working directory.
    pub settings: Arc<Settings>,
    /// Every profile that the settings name, by its path.
    pub profiles: HashMap<PathBuf, Arc<Profile>>,
    /// sha-256 over the text of the settings file and of the profiles, 64 hex digits: the same
    /// files give the same hash in every pod, wherever they are mounted.
    pub hash: String,
    /// Where values were said, by dotted key: a line of the file, a flag or an environment variable.
    pub places: BTreeMap<String, String>,
}

impl Loaded {
    /// The reference of a model's version, if the settings name one.
    pub fn profile(&self, model: &str, version: &str) -> Option<&Arc<Profile>> {
        self.profiles
            .get(self.settings.profile_path(model, version)?)
    }
}

/// What reading gave: the result, and the files it depends on.
pub(super) struct Attempt {
    pub(super) content: Content,
    pub(super) result: Result<Loaded, SettingsError>,
}

/// What to do about profiles that cannot be used.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum BrokenProfiles {
    /// Refuse the settings.
    Refuse,
    /// Go without: their models learn.
    Leave,
}

impl Source {
    /// Reads settings and profiles and checks them.
    ///
    /// # Errors
    /// What is wrong, in sentences for the operator.
    pub fn load(&self) -> Result<Loaded, SettingsError> {
        self.attempt(&Disk, BrokenProfiles::Refuse).result
    }

    /// As [`Source::load`], but going without profiles that are missing or broken: for the command
    /// that makes them.
    ///
    /// # Errors
    /// What is wrong with the settings themselves.
    pub fn load_without_broken_profiles(&self) -> Result<Loaded, SettingsError> {
        self.attempt(&Disk, BrokenProfiles::Leave).result
    }

    /// Defaults and overrides alone, for when the file cannot be used.
    ///
    /// # Errors
    /// Overrides that do not fit or contradict each other.
    pub fn without_file(&self) -> Result<Loaded, SettingsError> {
        let source = Self {
            path: None,
            overrides: self.overrides.clone(),
        };
        source.load()
    }

    /// The overrides above the defaults, judged by type alone.
    pub(super) fn types(&self) -> Result<Settings, SettingsError> {
        self.layered(&Settings::default())
    }

    pub(super) fn attempt(&self, files: &dyn Files, broken: BrokenProfiles) -> Attempt {
        let mut content = Content::default();
        let result = self.load_from(files, broken, &mut content);
        Attempt { content, result }
    }

    fn load_from(
        &self,
        files: &dyn Files,
        broken: BrokenProfiles,
        content: &mut Content,
    ) -> Result<Loaded, SettingsError> {
        let mut hash = Sha256::new();
        let mut add = |text: &str| {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text);
        };
        let mut text = String::new();
        let mut of_file = Settings::default();
        if let Some(path) = &self.path {
            text = content
                .read(files, path)
                .map_err(|cause| SettingsError::Read {
                    path: path.clone(),
                    cause,
                })?
                .to_owned();
            add(&text);
            of_file = yaml::parse(&text, path)?;
            resolve_paths(&mut of_file, path.parent().unwrap_or(Path::new("")));
        }
        let settings = self.layered(&of_file)?;
        let mut problems: Vec<_> = validate::findings(&settings)
            .into_iter()
            .map(|(key, sentence)| self.problem(&text, &key, sentence))
            .collect();

        let mut profiles = HashMap::new();
        for (key, path) in profile_paths(&settings) {
            if profiles.contains_key(path) {
                continue;
            }
            match load_profile(content, files, path) {
                Ok((profile, text)) => {
                    add(text);
                    profiles.insert(path.to_owned(), Arc::new(profile));
                }
                Err(sentence) if broken == BrokenProfiles::Refuse => {
                    problems.push(self.problem(&text, &key, sentence));
                }
                Err(_) => {}
            }
        }
        if !problems.is_empty() {
            return Err(SettingsError::Invalid(problems));
        }
        let hash = hash.finalize();
        Ok(Loaded {
            settings: Arc::new(settings),
            profiles,
            hash: hash.iter().map(|byte| format!("{byte:02x}")).collect(),
            places: self.places(&text),
        })
    }

    /// Where everything is said, in the words of messages.
    fn places(&self, text: &str) -> BTreeMap<String, String> {
        let file = self.path.as_deref().map(Path::display);
        let of_file = file.iter().flat_map(|file| {
            keys(text).map(move |(line, key)| (key.join("."), format!("{file}:{line}")))
        });
        let overrides = self.overrides.iter();
        let overrides = overrides.map(|said| (said.key.clone(), said.place.clone()));
        of_file.chain(overrides).collect()
    }

    /// The file's settings below the overrides.
    fn layered(&self, of_file: &Settings) -> Result<Settings, SettingsError> {
        let failed = |error: ConfigError, place: &str| {
            SettingsError::Override(format!("{place}: {}", plain(&error)))
        };
        let mut builder = Config::builder().add_source(Layer(yaml::to_layer(of_file)));
        for Override { key, value, place } in &self.overrides {
            builder = builder
                .set_override(key, value.as_str())
                .map_err(|error| failed(error, place))?;
        }
        let config = builder.build().map_err(|error| failed(error, "settings"))?;
        config.try_deserialize().map_err(|error| {
            let said = error.to_string();
            let at_fault = |entry: &&Override| said.contains(&format!("`{}`", entry.key));
            let place = self.overrides.iter().find(at_fault);
            failed(error, place.map_or("flags", |entry| &entry.place))
        })
    }

    fn problem(&self, text: &str, key: &[String], sentence: String) -> Problem {
        let dotted = key.join(".");
        let by_override = self.overrides.iter().find(|entry| entry.key == dotted);
        let (place, excerpt) = match (by_override, &self.path) {
            (Some(entry), _) => (Some(entry.place.clone()), None),
            (None, Some(path)) => line_of(text, key)
                .map(|line| {
                    let (column, excerpt) = excerpt(text, line);
                    (format!("{}:{line}:{column}", path.display()), excerpt)
                })
                .unzip(),
            (None, None) => (None, None),
        };
        Problem {
            key: dotted,
            place,
            sentence,
            excerpt,
        }
    }
}

/// Column of the first character of a line, and the line as YAML errors show theirs.
fn excerpt(text: &str, line: usize) -> (usize, String) {
    let content = text.lines().nth(line - 1).unwrap_or_default().trim_end();
    let indent = content.chars().take_while(|c| c.is_whitespace()).count();
    let margin = " ".repeat(line.to_string().len());
    let caret = " ".repeat(indent);
    let shown = format!("{margin} |\n{line} | {content}\n{margin} | {caret}^");
    (indent + 1, shown)
}

/// What `config` says, without the path it adds: the place names the flag already.
fn plain(error: &ConfigError) -> String {
    match error {
        ConfigError::At { error, .. } => plain(error),
        other => other.to_string(),
    }
}

fn load_profile<'a>(
    content: &'a mut Content,
    files: &dyn Files,
    path: &Path,
) -> Result<(Profile, &'a str), String> {
    let text = content.read(files, path).map_err(|error| {
        let path = path.display();
        format!(
            "names {path}, which cannot be read: {error}; correct the path, or make the file \
                 with `driftgauge profile`"
        )
    })?;
    let profile = Profile::from_json(text)
        .map_err(|error| format!("names {}, which is {error}", path.display()))?;
    Ok((profile, text))
}

/// Every key that names a profile, with the path, in order.
pub(super) fn profile_paths(settings: &Settings) -> impl Iterator<Item = (Vec<String>, &Path)> {
    settings.models.iter().flat_map(|(name, model)| {
        let key = |rest: &[&str]| {
            let path = ["models", name].into_iter().chain(rest.iter().copied());
            path.map(str::to_owned).collect::<Vec<_>>()
        };
        let own = model
            .profile
            .as_deref()
            .map(|path| (key(&["profile"]), path));
        let versions = model.versions.iter().filter_map(move |(version, said)| {
            let path = said.profile.as_deref()?;
            Some((key(&["versions", version, "profile"]), path))
        });
        own.into_iter().chain(versions.collect::<Vec<_>>())
    })
}

/// Makes the paths of a settings file relative to the file, wherever the program was started.
fn resolve_paths(settings: &mut Settings, folder: &Path) {
    let resolve = |path: &mut Option<PathBuf>| {
        if let Some(path) = path {
            *path = folder.join(&path);
        }
    };
    resolve(&mut settings.state.directory);
    resolve(&mut settings.web.admin_socket);
    for model in settings.models.values_mut() {
        resolve(&mut model.profile);
        for version in model.versions.values_mut() {
            resolve(&mut version.profile);
        }
    }
}

/// The file's settings as a source of `config`.
#[derive(Clone, Debug)]
struct Layer(Map<String, Value>);

impl config::Source for Layer {
    fn clone_into_box(&self) -> Box<dyn config::Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        Ok(self.0.clone())
    }
}
