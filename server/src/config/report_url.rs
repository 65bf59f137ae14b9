//! Address to which people report a room.

use std::str::FromStr;

use url::Url;

/// Address of the operator: `mailto:` or `https:`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportUrl(Url);

impl ReportUrl {
    /// Returns the address, as a link has it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl FromStr for ReportUrl {
    type Err = &'static str;

    /// Refuses every other scheme: this becomes a link, and `javascript:` would be one, too.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url = Url::parse(text).ok().filter(|url| match url.scheme() {
            "mailto" => url.path().contains('@'),
            "https" => url.password().is_none(),
            _ => false,
        });
        url.map(Self).ok_or("write it as mailto:abuse@chat.example or https://chat.example/report")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn report_address_is_mail_or_https() {
        for right in ["mailto:abuse@chat.example", "mailto:a@b.example?subject=Room", "https://chat.example/report"] {
            assert_eq!(right.parse::<ReportUrl>().unwrap().as_str(), right);
        }
        for wrong in [
            "",
            "abuse@chat.example",
            "mailto:",
            "mailto:abuse",
            "http://chat.example",
            "https://",
            "https://ana:secret@chat.example",
            "javascript:alert(1)//@",
            "data:text/html,@",
        ] {
            assert!(wrong.parse::<ReportUrl>().is_err(), "{wrong}");
        }
    }
}
