//! How a section of the settings is written down: each field with its doc comment and its default.
//!
//! The doc comments are the manual. So that the example file, the tables of the README and the help
//! of the flags can be rendered from them, the macro also hands them out as data.

/// One field of a section, as the manual sees it.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Its key.
    pub name: &'static str,
    /// Its doc comment.
    pub doc: &'static str,
    /// Whether its value is kept from everyone who only looks: `#[secret = true]`.
    pub is_secret: bool,
}

impl Field {
    /// The doc comment as lines without the blanks that follow `///`.
    pub fn lines(&self) -> impl Iterator<Item = &'static str> {
        self.doc.trim_end().lines().map(str::trim)
    }
}

/// A group of settings that knows its own manual.
pub trait Section {
    /// The fields in order.
    const FIELDS: &'static [Field];
}

/// Declares a section: a plain struct for serde that refuses unknown keys and fills in what is not
/// said, its `Default`, and its [`Section::FIELDS`]. A field marked `#[secret = true]` below its
/// comment is shown as `<hidden>`.
macro_rules! section {
    (
        $(#[doc = $about:literal])*
        pub struct $section:ident {
            $(
                $(#[doc = $doc:literal])+
                $(#[secret = $is_secret:literal])?
                $(#[serde($($serde:tt)*)])?
                $field:ident: $type:ty = $default:expr,
            )*
        }
    ) => {
        $(#[doc = $about])*
        #[derive(Clone, Debug, PartialEq, ::serde::Serialize, ::serde::Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct $section {
            $(
                $(#[doc = $doc])+
                $(#[serde($($serde)*)])?
                pub $field: $type,
            )*
        }

        impl Default for $section {
            fn default() -> Self {
                Self { $($field: $default,)* }
            }
        }

        impl $crate::settings::section::Section for $section {
            const FIELDS: &'static [$crate::settings::section::Field] = &[
                $($crate::settings::section::Field {
                    name: stringify!($field),
                    doc: concat!($($doc, "\n"),+),
                    is_secret: false $(|| $is_secret)?,
                },)*
            ];
        }
    };
}

pub(super) use section;
