//! Reads JSON where it lies, one value after the other, and makes nothing of what is not asked for.
//!
//! Not `serde_json`, because what model clients send is more than JSON and has to be found by its
//! end: Python writes bare `NaN` and `Infinity`, and binary tensors follow the last brace without a
//! sign. Only strings with escapes are left to it. Values that nobody asks for are skipped by their
//! brackets alone; whether they are valid is for the server to judge.

/// Where a text is no JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed {
    /// Byte of the body.
    at: usize,
    /// What should be there.
    expected: &'static str,
}

/// A place in a body.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a> {
    body: &'a [u8],
    at: usize,
}

/// What stands at some place. Of arrays and objects only the opening bracket has been read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value<'a> {
    Null,
    Bool(bool),
    Number(Number<'a>),
    Text(Text<'a>),
    Array,
    Object,
}

/// A number as it is written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Number<'a>(&'a str);

/// A string as it is written, without its quotes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Text<'a> {
    raw: &'a [u8],
    has_escapes: bool,
}

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} expected at byte {}", self.expected, self.at)
    }
}

impl<'a> Reader<'a> {
    /// The begin of a body.
    pub(super) fn new(body: &'a [u8]) -> Self {
        Self { body, at: 0 }
    }

    /// How many bytes have been read.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// The next byte that is no white space.
    pub(super) fn peek(&mut self) -> Option<u8> {
        while let Some(byte) = self.body.get(self.at) {
            match byte {
                b' ' | b'\t' | b'\n' | b'\r' => self.at += 1,
                byte => return Some(*byte),
            }
        }
        None
    }

    /// Reads a value, or the opening bracket of one.
    pub(super) fn value(&mut self) -> Result<Value<'a>, Malformed> {
        match self.peek() {
            Some(b'"') => Ok(Value::Text(self.text()?)),
            Some(b'[') => {
                self.at += 1;
                Ok(Value::Array)
            }
            Some(b'{') => {
                self.at += 1;
                Ok(Value::Object)
            }
            _ => self.word(),
        }
    }

    /// Goes to the next element of the array that is being read; `false` after its last, whose
    /// bracket has then been read.
    pub(super) fn next_element(&mut self, is_first: bool) -> Result<bool, Malformed> {
        self.next_of(b']', is_first, "`,` or `]`")
    }

    /// Goes to the next key of the object that is being read, and reads it with its colon; `None`
    /// after the last value, whose brace has then been read.
    pub(super) fn next_key(&mut self, is_first: bool) -> Result<Option<Text<'a>>, Malformed> {
        if !self.next_of(b'}', is_first, "`,` or `}`")? {
            return Ok(None);
        }
        if self.peek() != Some(b'"') {
            return Err(self.malformed("a key"));
        }
        let key = self.text()?;
        if self.peek() != Some(b':') {
            return Err(self.malformed("`:`"));
        }
        self.at += 1;
        Ok(Some(key))
    }

    /// Steps over a value, and returns a reader of nothing but it.
    pub(super) fn skip(&mut self) -> Result<Self, Malformed> {
        self.peek();
        let start = self.at;
        match self.value()? {
            Value::Array | Value::Object => self.leave()?,
            _ => {}
        }
        Ok(Self {
            body: &self.body[..self.at],
            at: start,
        })
    }

    /// Steps to the end of the array or object that has just been opened.
    pub(super) fn leave(&mut self) -> Result<(), Malformed> {
        let mut depth = 1_usize;
        while depth > 0 {
            match self.body.get(self.at) {
                Some(b'"') => {
                    self.text()?;
                    continue;
                }
                Some(b'[' | b'{') => depth += 1,
                Some(b']' | b'}') => depth -= 1,
                Some(_) => {}
                None => return Err(self.malformed("a closing bracket")),
            }
            self.at += 1;
        }
        Ok(())
    }

    /// How many values there can be at most in what is left to read.
    pub(super) fn values_at_most(&self) -> usize {
        let left = &self.body[self.at..];
        1 + left.iter().filter(|byte| **byte == b',').count()
    }

    /// What is left to read, as it is written.
    pub(super) fn rest(&self) -> &'a [u8] {
        &self.body[self.at..]
    }

    fn malformed(&self, expected: &'static str) -> Malformed {
        Malformed {
            at: self.at,
            expected,
        }
    }

    fn next_of(
        &mut self,
        closing: u8,
        is_first: bool,
        expected: &'static str,
    ) -> Result<bool, Malformed> {
        match self.peek() {
            Some(byte) if byte == closing => {
                self.at += 1;
                Ok(false)
            }
            Some(_) if is_first => Ok(true),
            Some(b',') => {
                self.at += 1;
                Ok(true)
            }
            _ => Err(self.malformed(expected)),
        }
    }

    /// Reads a string; its opening quote is next.
    fn text(&mut self) -> Result<Text<'a>, Malformed> {
        let start = self.at + 1;
        let mut end = start;
        let mut has_escapes = false;
        loop {
            match self.body.get(end) {
                Some(b'"') => break,
                Some(b'\\') => {
                    has_escapes = true;
                    end += 2;
                }
                Some(_) => end += 1,
                None => return Err(self.malformed("a string with an end")),
            }
        }
        self.at = end + 1;
        Ok(Text {
            raw: &self.body[start..end],
            has_escapes,
        })
    }

    /// Reads a number, `true`, `false` or `null`.
    fn word(&mut self) -> Result<Value<'a>, Malformed> {
        let left = &self.body[self.at..];
        let belongs =
            |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'+' | b'-');
        let length = left.iter().position(|byte| !belongs(byte));
        let word = std::str::from_utf8(&left[..length.unwrap_or(left.len())]).unwrap_or_default();
        let value = match word {
            "null" => Value::Null,
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ => Value::Number(Number::new(word).ok_or_else(|| self.malformed("a value"))?),
        };
        self.at += word.len();
        Ok(value)
    }
}

impl<'a> Number<'a> {
    /// Takes what Python and RapidJSON write and read as numbers.
    fn new(word: &'a str) -> Option<Self> {
        let unsigned = word.strip_prefix('-').unwrap_or(word);
        if matches!(unsigned, "NaN" | "Infinity" | "Inf") {
            return Some(Self(word));
        }
        let digits = |from: &'a str| -> Option<&'a str> {
            let rest = from.trim_start_matches(|c: char| c.is_ascii_digit());
            (rest.len() < from.len()).then_some(rest)
        };
        let mut rest = digits(unsigned)?;
        if let Some(fraction) = rest.strip_prefix('.') {
            rest = digits(fraction)?;
        }
        if let Some(exponent) = rest.strip_prefix(['e', 'E']) {
            rest = digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))?;
        }
        rest.is_empty().then_some(Self(word))
    }

    /// A number that stands elsewhere than in JSON; NaN if it is none.
    pub(super) fn elsewhere(word: &'a str) -> Self {
        Self(word)
    }

    /// Its value, rounded to the nearest.
    pub(super) fn float(self) -> f64 {
        self.0.parse().unwrap_or(f64::NAN)
    }

    /// Its value if it is written without a point and without an exponent, and fits.
    pub(super) fn integer<T: std::str::FromStr>(self) -> Option<T> {
        self.0.parse().ok()
    }

    /// How it is written.
    pub(super) fn as_str(self) -> &'a str {
        self.0
    }
}

impl<'a> Text<'a> {
    /// A string that stands elsewhere than in JSON.
    pub(super) fn elsewhere(raw: &'a [u8]) -> Self {
        Self {
            raw,
            has_escapes: false,
        }
    }

    /// Whether it is this, which has no characters that must be escaped.
    pub(super) fn is(self, text: &str) -> bool {
        if self.has_escapes {
            self.decoded().as_deref() == Some(text)
        } else {
            self.raw == text.as_bytes()
        }
    }

    /// Bytes that it takes at most once decoded.
    pub(super) fn len(self) -> usize {
        self.raw.len()
    }

    /// The string; `None` when it is no UTF-8 or its escapes are wrong.
    pub(super) fn decoded(self) -> Option<String> {
        if self.has_escapes {
            let quoted = [b"\"", self.raw, b"\""].concat();
            return serde_json::from_slice(&quoted).ok();
        }
        std::str::from_utf8(self.raw).ok().map(str::to_owned)
    }

    /// The string as a name; what cannot be decoded stands as it is written.
    pub(super) fn to_name(self) -> String {
        let as_written = || String::from_utf8_lossy(self.raw).into_owned();
        self.decoded().unwrap_or_else(as_written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Option<Value<'_>> {
        Reader::new(text.as_bytes()).value().ok()
    }

    fn number(text: &str) -> Option<f64> {
        match value(text)? {
            Value::Number(number) => Some(number.float()),
            _ => None,
        }
    }

    #[test]
    fn numbers_are_what_json_says_and_what_python_adds() {
        for (text, expected) in [
            ("0", 0.0),
            ("-1.5e-3", -0.0015),
            ("5.099999904632568", 5.099999904632568),
            ("1E400", f64::INFINITY),
            ("123456789012345678901234567890", 1.2345678901234568e29),
            ("Infinity", f64::INFINITY),
            ("-Infinity", f64::NEG_INFINITY),
            ("-Inf", f64::NEG_INFINITY),
        ] {
            assert_eq!(number(text), Some(expected), "{text}");
        }
        assert!(number("NaN").is_some_and(f64::is_nan));
        for text in [
            "", "-", "nan", "inf", "+1", ".5", "1x", "1.2.3", "1-2", "1.", "1e", "Null", "e5",
        ] {
            assert_eq!(value(text), None, "{text}");
        }
    }

    #[test]
    fn strings_are_decoded_only_where_that_is_possible() {
        let text = |json: &'static [u8]| match Reader::new(json).value() {
            Ok(Value::Text(text)) => text.decoded(),
            other => panic!("{other:?}"),
        };
        assert_eq!(text(br#""a \"b\" \\""#).as_deref(), Some("a \"b\" \\"));
        assert_eq!(text(br#""\u5317\u4eac""#).as_deref(), Some("北京"));
        assert_eq!(text("\"北京\"".as_bytes()).as_deref(), Some("北京"));
        assert_eq!(text(b"\"\xff\""), None, "no UTF-8");
        assert_eq!(text(br#""\ud800""#), None, "half a character");
        assert!(Reader::new(b"\"no end\\\"").value().is_err());
    }

    #[test]
    fn a_value_is_skipped_to_its_end_and_not_further() {
        for text in [
            r#"{"a": [1, {"b": "]}\""}], "c": null}"#,
            "[[[]], [{}]]",
            "\"x\\\\\"",
            "12.5",
            "NaN",
        ] {
            let body = format!("  {text}]}} \x00\x01");
            let mut reader = Reader::new(body.as_bytes());
            let inside = reader.skip().unwrap();
            assert_eq!(inside.rest(), text.as_bytes());
            assert_eq!(reader.position(), 2 + text.len());
        }
        assert!(Reader::new(b"[[1]").skip().is_err());
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let mut reader = Reader::new(b"{\"a\": 1 \"b\": 2}");
        assert_eq!(reader.value(), Ok(Value::Object));
        assert!(reader.next_key(true).unwrap().unwrap().is("a"));
        reader.skip().unwrap();
        let wrong = reader.next_key(false).unwrap_err();
        assert_eq!(wrong.to_string(), "`,` or `}` expected at byte 8");
    }
}
