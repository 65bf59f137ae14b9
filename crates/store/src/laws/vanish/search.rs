//! Search for texts and ids in files, in every form in which a program may write them.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use protocol::RoomCode;
use uuid::Uuid;

/// Length of the beginnings that are looked up.
const START: usize = 8;

/// Byte strings to search for, each with a description. The beginnings of all forms are in a table.
#[derive(Debug, Default)]
pub struct Needles {
    forms: Vec<(Vec<u8>, String)>,
    by_start: HashMap<[u8; START], Vec<usize>>,
}

impl Needles {
    /// Adds a text of ASCII letters and digits, of at least ten bytes.
    pub fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes(), text);
        let escaped: String = text.chars().map(|c| format!("\\u{:04x}", u32::from(c))).collect();
        self.add(escaped.clone().into_bytes(), format!("{text} escaped"));
        self.add(escaped.to_uppercase().replace("\\U", "\\u").into_bytes(), format!("{text} escaped"));
        let units: Vec<u16> = text.encode_utf16().collect();
        self.add(units.iter().flat_map(|unit| unit.to_le_bytes()).collect(), format!("{text} in UTF-16"));
        self.add(units.iter().flat_map(|unit| unit.to_be_bytes()).collect(), format!("{text} in UTF-16"));
    }

    pub fn uuid(&mut self, id: Uuid) {
        self.bytes(id.as_bytes(), &id.to_string());
        let mut reversed = *id.as_bytes();
        reversed.reverse();
        self.add(reversed.to_vec(), format!("{id} reversed"));
        self.text(&id.to_string());
        self.text(&id.to_string().to_uppercase());
    }

    pub fn code(&mut self, code: RoomCode) {
        let code = code.to_string();
        self.bytes(code.as_bytes(), &code);
        self.text(&code.replace('-', ""));
        self.text(&format!("{}-", code.to_lowercase()));
    }

    /// Adds bytes as they are, in hex and in base64.
    pub fn bytes(&mut self, bytes: &[u8], words: &str) {
        self.add(bytes.to_vec(), words.to_owned());
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        self.add(hex.clone().into_bytes(), format!("{words} in hex"));
        self.add(hex.to_uppercase().into_bytes(), format!("{words} in hex"));
        for skipped in 0..3 {
            let whole = &bytes[skipped..];
            let whole = &whole[..whole.len() / 3 * 3];
            for alphabet in ["+/", "-_"] {
                self.add(base64(whole, alphabet), format!("{words} in base64, after {skipped} bytes"));
            }
        }
    }

    fn add(&mut self, form: Vec<u8>, words: String) {
        let Some(start) = form.first_chunk().copied() else { return };
        self.by_start.entry(start).or_default().push(self.forms.len());
        self.forms.push((form, words));
    }

    /// Returns what is found in the files of a directory and those in it, with their names.
    pub fn find_in(&self, directory: &Path) -> Vec<String> {
        let mut found = Vec::new();
        for path in fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                found.extend(self.find_in(&path));
                continue;
            }
            // It may have been removed meanwhile.
            let words =
                fs::read(&path).map(|bytes| self.find(&bytes).into_iter().map(str::to_owned).collect::<Vec<_>>());
            found.extend(words.into_iter().flatten().map(|words| format!("{words}: in {}", path.display())));
        }
        found
    }

    /// Returns what is found in these bytes.
    pub fn find(&self, bytes: &[u8]) -> Vec<&str> {
        // Most positions are ruled out by two bytes.
        let mut pairs = vec![false; 1 << 16];
        self.by_start.keys().for_each(|start| pairs[pair(start)] = true);
        let mut found = Vec::new();
        for at in 0..bytes.len().saturating_sub(START - 1) {
            if !pairs[pair(&bytes[at..])] {
                continue;
            }
            let start: [u8; START] = bytes[at..at + START].try_into().unwrap();
            for form in self.by_start.get(&start).into_iter().flatten() {
                let (form, words) = &self.forms[*form];
                if bytes[at..].starts_with(form) {
                    found.push(words.as_str());
                }
            }
        }
        found
    }
}

fn pair(bytes: &[u8]) -> usize {
    usize::from(bytes[0]) << 8 | usize::from(bytes[1])
}

fn base64(bytes: &[u8], last: &str) -> Vec<u8> {
    let letters = [('A'..='Z').collect::<String>(), ('a'..='z').collect(), ('0'..='9').collect(), last.to_owned()];
    let letters = letters.concat().into_bytes();
    let group = |group: &[u8]| {
        let bits = group.iter().fold(0usize, |bits, byte| bits << 8 | usize::from(*byte));
        [18, 12, 6, 0].map(|shift| letters[bits >> shift & 63])
    };
    bytes.chunks_exact(3).flat_map(group).collect()
}

#[test]
fn every_form_is_found() {
    let mut needles = Needles::default();
    needles.text("treasure0123");
    let id = Uuid::from_u128(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef);
    needles.uuid(id);
    for (n, planted) in [
        b"treasure0123".to_vec(),
        b"dHJlYXN1cmUwMTIz".to_vec(),
        b"ZWFzdXJlMDEy".to_vec(),
        "\\u0074\\u0072\\u0065\\u0061\\u0073\\u0075\\u0072\\u0065\\u0030\\u0031\\u0032\\u0033".into(),
        b"7472656173757265303132".to_vec(),
        "treasure0123".encode_utf16().flat_map(u16::to_le_bytes).collect(),
        "treasure0123".encode_utf16().flat_map(u16::to_be_bytes).collect(),
        id.as_bytes().to_vec(),
        id.simple().to_string().into_bytes(),
        id.to_string().into_bytes(),
    ]
    .into_iter()
    .enumerate()
    {
        let around = [vec![b'.'; 1_000], planted, b"33".repeat(50)].concat();
        assert!(!needles.find(&around).is_empty(), "form {n}");
    }
    assert_eq!(needles.find("the treasure 0123 is elsewhere".repeat(99).as_bytes()), [""; 0]);
}
