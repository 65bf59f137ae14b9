//! Makes the functions of `text` from the words in `locales`: one for each message, with a form for each language.
//!
//! A language that lacks a message, has one too many, or uses other variables in it fails the build. So does what these
//! functions cannot say: of Fluent, messages with variables, `NUMBER` and one selector are understood.

#![allow(clippy::expect_used, clippy::print_stdout, reason = "cargo reads what this prints, and shows why it panicked")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use fluent_syntax::ast::{Entry, Expression, InlineExpression, Pattern, PatternElement, VariantKey};
use fluent_syntax::parser;

const FOLDER: &str = "locales";
/// Language of those who ask for none that is here. Its file says which messages there are.
const DEFAULT: &str = "en";
/// Set for pictures of a page from right to left: adds a language of this name, made of the default one.
const PSEUDO: &str = "PSEUDO_LOCALE";
const PSEUDO_TAG: &str = "ar-XB";

/// Numbers of a plural category, as a pattern in Rust: CLDR 48, "Language Plural Rules", cardinal. `other` is the rest.
fn numbers_of(tag: &str, category: &str) -> &'static str {
    match (tag, category) {
        (_, "other") => "_",
        ("de" | "en" | PSEUDO_TAG, "one") => "1",
        _ => panic!("{tag}: build.rs knows no rule for the plural category {category}"),
    }
}

struct Language {
    /// As in BCP 47.
    tag: String,
    messages: BTreeMap<String, Message>,
}

/// A message: its selector and a form for each pattern, or one form alone.
#[derive(Clone)]
struct Message {
    selector: Option<String>,
    forms: Vec<(String, Vec<Part>)>,
}

#[derive(Clone)]
enum Part {
    Words(String),
    Text(String),
    Number(String),
}

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={FOLDER}");
    println!("cargo::rerun-if-env-changed={PSEUDO}");
    let mut files: Vec<_> = fs::read_dir(FOLDER).expect(FOLDER).flatten().map(|entry| entry.path()).collect();
    files.sort_by_key(|file| (tag(file) != DEFAULT, tag(file)));
    let mut languages: Vec<_> = files.iter().map(|file| read(file)).collect();
    if env::var_os(PSEUDO).is_some() {
        languages.push(pseudo(&languages[0]));
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    fs::write(out.join("language.rs"), language_code(&languages)).expect("language.rs");
    fs::write(out.join("words.rs"), words_code(&languages)).expect("words.rs");
}

fn tag(file: &Path) -> String {
    file.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

fn read(file: &Path) -> Language {
    let (tag, source) = (tag(file), fs::read_to_string(file).expect("a file of words is text"));
    let resource = parser::parse(source.as_str()).unwrap_or_else(|(_, errors)| panic!("{tag}: {errors:?}"));
    let mut messages = BTreeMap::new();
    for entry in resource.body {
        match entry {
            Entry::Message(message) => {
                let id = message.id.name.replace('-', "_");
                assert!(message.attributes.is_empty(), "{tag}: {id} has attributes");
                let pattern = message.value.unwrap_or_else(|| panic!("{tag}: {id} has no words"));
                let known = messages.insert(id.clone(), Message::of(&pattern, &tag, &id));
                assert!(known.is_none(), "{tag}: {id} is there twice");
            }
            Entry::Term(term) => panic!("{tag}: {} is a term", term.id.name),
            Entry::Comment(_) | Entry::GroupComment(_) | Entry::ResourceComment(_) => {}
            Entry::Junk { content } => panic!("{tag}: {content}"),
        }
    }
    Language { tag, messages }
}

impl Message {
    /// Reads a pattern. Words around a selector become part of each of its forms.
    fn of(pattern: &Pattern<&str>, tag: &str, id: &str) -> Self {
        let mut message = Self { selector: None, forms: vec![("_".to_owned(), Vec::new())] };
        for element in &pattern.elements {
            let part = match element {
                PatternElement::TextElement { value } => Part::Words(value.replace('\n', " ")),
                PatternElement::Placeable { expression: Expression::Inline(inline) } => Part::of(inline, tag, id),
                PatternElement::Placeable { expression: Expression::Select { selector, variants } } => {
                    let Part::Text(name) = Part::of(selector, tag, id) else { panic!("{tag}: {id}: odd selector") };
                    let before = message.forms.swap_remove(0).1;
                    assert!(message.selector.replace(name).is_none(), "{tag}: {id} has two selectors");
                    let forms = variants.iter().map(|variant| {
                        let numbers = match &variant.key {
                            VariantKey::NumberLiteral { value } => value,
                            VariantKey::Identifier { name } => numbers_of(tag, name),
                        };
                        let form = Self::of(&variant.value, tag, id);
                        assert!(form.selector.is_none(), "{tag}: {id} has a selector within another");
                        let mut parts = before.clone();
                        form.forms.into_iter().flat_map(|(_, parts)| parts).for_each(|part| append(&mut parts, part));
                        (numbers.to_owned(), parts)
                    });
                    message.forms = forms.collect();
                    assert!(
                        message.forms.last().is_some_and(|(numbers, _)| numbers == "_"),
                        "{tag}: {id}: *[other] is last"
                    );
                    continue;
                }
            };
            for (_, parts) in &mut message.forms {
                append(parts, part.clone());
            }
        }
        // A number that decides is shown as a number.
        for (_, parts) in &mut message.forms {
            for part in parts {
                if let Part::Text(name) = part
                    && message.selector.as_ref() == Some(name)
                {
                    *part = Part::Number(name.clone());
                }
            }
        }
        message
    }

    /// The whole text of a message without variables.
    fn words(&self) -> String {
        let words = |part: &Part| if let Part::Words(words) = part { words.clone() } else { String::new() };
        self.forms.iter().flat_map(|(_, parts)| parts).map(words).collect()
    }

    /// Its variables in the order in which they come, and whether each is a number.
    fn variables(&self) -> Vec<(&str, bool)> {
        let mut variables: Vec<_> = self.selector.iter().map(|name| (name.as_str(), true)).collect();
        for part in self.forms.iter().flat_map(|(_, parts)| parts) {
            let variable = match part {
                Part::Words(_) => continue,
                Part::Text(name) => (name.as_str(), false),
                Part::Number(name) => (name.as_str(), true),
            };
            if !variables.contains(&variable) {
                variables.push(variable);
            }
        }
        variables
    }
}

/// Appends a part to a form; words that follow words are one part with them.
fn append(parts: &mut Vec<Part>, part: Part) {
    match (parts.last_mut(), part) {
        (Some(Part::Words(before)), Part::Words(words)) => before.push_str(&words),
        (_, part) => parts.push(part),
    }
}

impl Part {
    fn of(inline: &InlineExpression<&str>, tag: &str, id: &str) -> Self {
        match inline {
            InlineExpression::StringLiteral { value } => Self::Words((*value).to_owned()),
            InlineExpression::VariableReference { id } => Self::Text(id.name.to_owned()),
            InlineExpression::FunctionReference { id: function, arguments } if function.name == "NUMBER" => {
                match arguments.positional.as_slice() {
                    [InlineExpression::VariableReference { id }] => Self::Number(id.name.to_owned()),
                    _ => panic!("{tag}: {id}: NUMBER takes a variable"),
                }
            }
            _ => panic!("{tag}: {id} uses something that build.rs does not understand"),
        }
    }

    fn code(&self) -> String {
        match self {
            Self::Words(words) => format!("{words:?}"),
            Self::Text(name) => name.clone(),
            Self::Number(name) => format!("{name}_written"),
        }
    }
}

/// The default language from right to left: every word is turned around by control characters.
fn pseudo(default: &Language) -> Language {
    let turned = |words: &str| {
        let mut turned = String::new();
        let mut in_word = false;
        for c in words.chars() {
            if c.is_alphabetic() != in_word {
                turned.push(if in_word { '\u{202c}' } else { '\u{202e}' });
                in_word = !in_word;
            }
            turned.push(c);
        }
        if in_word {
            turned.push('\u{202c}');
        }
        turned
    };
    let mut messages = default.messages.clone();
    for part in messages.values_mut().flat_map(|message| &mut message.forms).flat_map(|(_, parts)| parts) {
        if let Part::Words(words) = part {
            *words = turned(words);
        }
    }
    let rtl = Message { selector: None, forms: vec![("_".to_owned(), vec![Part::Words("rtl".to_owned())])] };
    messages.insert("direction".to_owned(), rtl);
    Language { tag: PSEUDO_TAG.to_owned(), messages }
}

/// Name of a language among the variants of the enum.
fn variant(language: &Language) -> String {
    language.tag.split('-').map(|part| part[..1].to_uppercase() + &part[1..].to_lowercase()).collect()
}

fn language_code(languages: &[Language]) -> String {
    let variants: String =
        languages.iter().map(|language| format!("/// `{}`.\n{},", language.tag, variant(language))).collect();
    let all: String = languages.iter().map(|language| format!("Self::{}, ", variant(language))).collect();
    let method = |doc: &str, name: &str, value: &dyn Fn(&Language) -> String| {
        let arm = |language| format!("Self::{} => {:?}, ", variant(language), value(language));
        let arms: String = languages.iter().map(arm).collect();
        format!("/// {doc}\n#[must_use]\npub const fn {name}(self) -> &'static str {{ match self {{ {arms} }} }}\n")
    };
    let tag = method("Its name in BCP 47.", "tag", &|language| language.tag.clone());
    let name = method("Its name in itself.", "name", &|language| language.messages["language"].words());
    let direction = method("`ltr` or `rtl`.", "direction", &|language| language.messages["direction"].words());
    format!(
        "/// Language of a page: a file in `app/locales`.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub enum Language {{ #[default] {variants} }}
        impl Language {{
            /// All of them, the default first.
            pub const ALL: [Self; {}] = [{all}];
            {tag}{name}{direction}
        }}",
        languages.len()
    )
}

fn words_code(languages: &[Language]) -> String {
    let default = &languages[0].messages;
    for Language { tag, messages } in languages {
        for id in default.keys() {
            assert!(messages.contains_key(id), "{tag} lacks {id}");
        }
        for (id, message) in messages {
            let wanted = default.get(id).unwrap_or_else(|| panic!("{tag} has {id}, which {DEFAULT} has not"));
            let (mut own, mut others) = (message.variables(), wanted.variables());
            own.sort_unstable();
            others.sort_unstable();
            assert_eq!(own, others, "{tag}: variables of {id}");
        }
    }
    let of_language = |id: &&String| matches!(id.as_str(), "language" | "direction");
    default.keys().filter(|id| !of_language(id)).map(|id| function(id, languages)).collect()
}

/// The function of a message.
fn function(id: &str, languages: &[Language]) -> String {
    let forms = |language: &Language| language.messages[id].forms.clone();
    let variables = languages[0].messages[id].variables();
    if variables.is_empty() {
        let words: String = languages.iter().map(|language| format!("{:?}, ", language.messages[id].words())).collect();
        return format!("pub(crate) fn {id}() -> &'static str {{ in_language(&[{words}]) }}\n");
    }
    let parameter = |(name, is_number): &(&str, bool)| format!("{name}: {}", if *is_number { "usize" } else { "&str" });
    let parameters = variables.iter().map(parameter).collect::<Vec<_>>().join(", ");
    let (mut written, mut arms) = (String::new(), String::new());
    for (name, _) in variables.iter().filter(|(_, is_number)| *is_number) {
        let shows = |part: &Part| matches!(part, Part::Number(shown) if shown == name);
        if languages.iter().flat_map(forms).flat_map(|(_, parts)| parts).any(|part| shows(&part)) {
            let _ = writeln!(written, "let {name}_written = &*number({name});");
        }
    }
    for language in languages {
        let parts = |parts: &[Part]| parts.iter().map(Part::code).collect::<Vec<_>>().join(", ");
        let Message { selector, forms } = &language.messages[id];
        let said = if let [(_, form)] = forms.as_slice() {
            format!("&[{}]", parts(form))
        } else {
            let forms = forms.iter().map(|(numbers, form)| format!("{numbers} => &[{}],\n", parts(form)));
            format!("match {} {{ {} }}", selector.as_deref().unwrap_or_default(), forms.collect::<String>())
        };
        let _ = writeln!(arms, "Language::{} => {said},", variant(language));
    }
    format!(
        "pub(crate) fn {id}({parameters}) -> String {{
            {written}
            let said: &[&str] = match Language::current() {{ {arms} }};
            said.concat()
        }}\n"
    )
}
