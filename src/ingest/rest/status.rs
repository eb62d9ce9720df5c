//! HTTP statuses as codes of failures.

/// Every status from [`FIRST`] on, three digits each, so that a code lives as long as the program
/// without being made for a call.
const DIGITS: [u8; 3 * (LAST - FIRST + 1)] = {
    let mut digits = [0; 3 * (LAST - FIRST + 1)];
    let mut status = FIRST;
    while status <= LAST {
        let at = 3 * (status - FIRST);
        digits[at] = b'0' + (status / 100) as u8;
        digits[at + 1] = b'0' + (status / 10 % 10) as u8;
        digits[at + 2] = b'0' + (status % 10) as u8;
        status += 1;
    }
    digits
};

const FIRST: usize = 100;
const LAST: usize = 999;

/// A status as text, `"404"`; `"other"` for what is no status (below 100, above 999).
pub fn status_code(status: u16) -> &'static str {
    static TEXT: &[u8] = &DIGITS;
    let place = usize::from(status).checked_sub(FIRST);
    let digits = place.and_then(|place| TEXT.get(3 * place..3 * place + 3));
    let code = digits.and_then(|digits| std::str::from_utf8(digits).ok());
    code.unwrap_or("other")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_its_three_digits() {
        for status in 100..=999 {
            assert_eq!(status_code(status), status.to_string());
        }
        for status in [0, 99, 1000, u16::MAX] {
            assert_eq!(status_code(status), "other");
        }
    }
}
