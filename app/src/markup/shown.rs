//! The shown characters are the typed ones without the marks of a construct that is drawn. What may be a mark is computed
//! from the typed text alone, for random text that is rich in marks, addresses, code, and scripts.

use proptest::prelude::*;

use super::tests::parse;
use super::*;

/// A line as it is drawn.
#[derive(Debug)]
struct Drawn {
    text: String,
    quotes: usize,
    /// True inside a list.
    item: bool,
}

/// Lines of these nodes, without the empty ones.
fn lines(nodes: &[Node], quotes: usize, item: bool) -> Vec<Drawn> {
    let empty = || Drawn { text: String::new(), quotes, item };
    let mut lines = vec![empty()];
    let mut begin = false;
    for node in nodes {
        let blocks = match node {
            Node::Paragraph(inner) => self::lines(inner, quotes, item),
            Node::Quote(inner) => self::lines(inner, quotes + 1, item),
            Node::List { items, .. } => items.iter().flat_map(|item| self::lines(item, quotes, true)).collect(),
            Node::Break => vec![empty()],
            inline => {
                if std::mem::take(&mut begin) {
                    lines.push(empty());
                }
                for (i, text) in inline.text().split('\n').enumerate() {
                    lines.extend((i > 0).then(empty));
                    lines.last_mut().unwrap().text += text;
                }
                continue;
            }
        };
        begin = !matches!(node, Node::Break);
        lines.extend(blocks);
    }
    lines.retain(|line| !line.text.trim().is_empty());
    lines
}

/// Number of characters of each kind that the drawn constructs stand for.
fn marks(nodes: &[Node]) -> [usize; 2] {
    let mut sum = [0; 2];
    for node in nodes {
        let own = match node {
            Node::Italic(_) => [2, 0],
            Node::Bold(_) => [4, 0],
            Node::Strike(_) => [0, 4],
            _ => [0; 2],
        };
        for marks in std::iter::once(own).chain(node.items().iter().map(|item| marks(item))) {
            sum = std::array::from_fn(|i| sum[i] + marks[i]);
        }
    }
    sum
}

/// A typed line: which of its characters may be marks, by nothing but itself and the lines around it.
struct Typed {
    chars: Vec<char>,
    may_go: Vec<bool>,
    quotes: usize,
    /// True where it may belong to a list: it has its sign, or is indented.
    item: bool,
    /// Number of stars among its list signs.
    stars: usize,
}

impl Typed {
    /// `lists` tells that there is a list in the message: what it is indented by is its mark.
    fn of(line: &str, lists: bool, partners: &dyn Fn(char) -> usize) -> Self {
        let chars: Vec<char> = line.trim_end().chars().collect();
        let mut typed = Self { may_go: vec![false; chars.len()], chars, quotes: 0, item: false, stars: 0 };
        let words = typed.line_marks(lists);
        let mut at = words;
        while at < typed.chars.len() {
            at = typed.address(at).unwrap_or_else(|| typed.sign(at, words, partners));
        }
        typed
    }

    fn get(&self, at: usize) -> char {
        self.chars.get(at).copied().unwrap_or(' ')
    }

    fn free(&mut self, range: std::ops::Range<usize>) {
        self.may_go[range].fill(true);
    }

    fn line_marks(&mut self, lists: bool) -> usize {
        let mut at = 0;
        loop {
            let begin = at;
            while at < self.chars.len() && self.get(at) == ' ' {
                at += 1;
            }
            let mut end = at;
            while self.get(end) == '>' || self.get(end).is_ascii_digit() && self.get(at) != '>' {
                end += 1;
            }
            let is_quote = self.get(at) == '>';
            let is_sign = matches!(self.get(at), '-' | '*') || end > at && !is_quote && self.get(end) == '.';
            end += usize::from(is_sign);
            let is_mark = (is_quote || is_sign) && self.get(end) == ' ' && end < self.chars.len();
            self.item |= is_sign || begin < at;
            if lists || is_mark {
                self.free(begin..at);
            }
            if !is_mark {
                return at;
            }
            self.quotes += if is_quote { end - at } else { 0 };
            self.stars += usize::from(self.get(at) == '*');
            self.free(at..end + 1);
            at = end + 1;
        }
    }

    /// The end of an address that begins here: all of it is shown.
    fn address(&self, at: usize) -> Option<usize> {
        let before = self.chars[..at].iter().rev().find(|c| !c.is_ascii_alphabetic() && !"+-.".contains(**c));
        if before.is_some_and(|c| *c == '@' || c.is_ascii_digit()) {
            // No scheme begins so.
            return None;
        }
        let rest: String = self.chars[at..].iter().collect();
        let words = rest.strip_prefix("https://")?;
        let end = words.find(|c: char| !c.is_ascii_alphanumeric() && !"_~*.-/?=&".contains(c)).unwrap_or(words.len());
        let address = words[..end].trim_end_matches(['~', '.', '?', '*', '-']);
        Some(at + "https://".len() + address.chars().count())
    }

    /// A sign; returns what follows it.
    fn sign(&mut self, at: usize, words: usize, partners: &dyn Fn(char) -> usize) -> usize {
        let c = self.get(at);
        let mut end = at;
        while end < self.chars.len() && self.get(end) == c {
            end += 1;
        }
        let before = if at > words { self.get(at - 1) } else { ' ' };
        let behind = self.get(end);
        let touches = |c: char| !c.is_whitespace() && !matches!(c, '/' | '\\' | '=');
        let is_mark = match c {
            '*' => end - at <= 3,
            '~' => end - at == 2,
            '`' => true,
            '\\' => {
                let is_mark = match behind {
                    '*' | '~' | '`' => partners(behind) > 1,
                    '[' | ']' => self.chars[words..].windows(2).any(|two| two == [']', '(']),
                    '>' | '-' => at == words,
                    '.' => at > words && self.chars[words..at].iter().all(char::is_ascii_digit),
                    _ => false,
                };
                let one = (end - at) % 2 == 1 && is_mark;
                self.free(end - usize::from(one)..end);
                return if one && behind != '`' { end + 1 } else { end };
            }
            // Space that keeps backticks in code apart from those around it.
            ' ' if self.chars.windows(3).any(|three| three == ['`', ' ', '`']) => {
                self.free(at..at + usize::from(before == '`'));
                self.free(end - usize::from(behind == '`')..end);
                return end;
            }
            _ => return end,
        };
        let may_be = c == '`'
            || !before.is_ascii_alphanumeric() && touches(behind) && behind != '.'
            || !behind.is_ascii_alphanumeric() && touches(before);
        if is_mark && may_be && partners(c) > 1 {
            self.free(at..end);
        }
        end
    }

    /// True if a line shows all that this one has and that cannot be a mark, in order, and nothing else.
    fn shows(&self, line: &str) -> bool {
        let shown: Vec<char> = line.chars().collect();
        // Places of the shown line that can be reached by what was read of the typed one.
        let mut reached = vec![false; shown.len() + 1];
        reached[0] = true;
        for (c, may_go) in self.chars.iter().zip(&self.may_go) {
            let before = reached.clone();
            for at in 0..=shown.len() {
                reached[at] = before[at] && *may_go || at > 0 && before[at - 1] && shown[at - 1] == *c;
            }
        }
        // Space at the end of a line is not seen.
        (line.trim_end().chars().count()..=shown.len()).any(|end| reached[end])
    }
}

/// Compares a message with how it is drawn: the shown characters are the typed ones without the marks of constructs that
/// are drawn, and each line is of its own speaker. Computed from the typed text alone.
fn compare(body: &str, nodes: &[Node]) -> Result<(), String> {
    let (drawn, source): (_, Vec<&str>) =
        (lines(nodes, 0, false), body.split('\n').filter(|line| !line.trim().is_empty()).collect());
    let lists = source.iter().any(|line| line.trim_start_matches([' ', '>']).starts_with(['-', '*', '1', '2']));
    let runs = |sign: char| {
        let before = std::iter::once(' ').chain(body.chars());
        body.chars().zip(before).filter(|(c, before)| *c == sign && *before != sign).count()
    };
    let typed: Vec<Typed> = source.iter().map(|line| Typed::of(line, lists, &runs)).collect();
    if typed.len() != drawn.len() {
        return Err(format!("{} lines typed, {} drawn", typed.len(), drawn.len()));
    }
    for ((typed, drawn), line) in typed.iter().zip(&drawn).zip(&source) {
        if typed.quotes != drawn.quotes || drawn.item && !typed.item {
            return Err(format!("{line:?} belongs to another line: {drawn:?}"));
        }
        if !typed.shows(&drawn.text) {
            return Err(format!("{line:?} is shown as {:?}", drawn.text));
        }
    }
    let count = |sign: char| {
        let shown: usize = drawn.iter().map(|line| line.text.matches(sign).count()).sum();
        body.matches(sign).count() - shown
    };
    let stars: usize = typed.iter().map(|typed| typed.stars).sum();
    let [drawn_stars, tildes] = marks(nodes);
    if !(drawn_stars..=drawn_stars + stars).contains(&count('*')) || count('~') != tildes || count('`') % 2 != 0 {
        return Err(format!("{} stars, {} tildes and {} backticks are gone", count('*'), count('~'), count('`')));
    }
    Ok(())
}

/// A piece of a line: words of many scripts, marks, and what looks like marks.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => "[a-c]{1,3}|看|好|שלום|עולם|مرحبا|é|ツ|🎉|7|12",
        4 => "[*~`_\\\\]{1,3}|[*]{1,2}|~~|`",
        3 => " |, |[.] |。|，|「|」|“|”|[(]|[)]|/|[.]|!|=|#|&|<|:|@",
        2 => "https://a[.]example/[a-c_*~]{0,6}[a-c_](, | |。|」|)",
        2 => "[*]{1,2}(a|\"a\"|[(]b[)]|¿c[?]|好|c\\.|a b\\.)[*]{1,2}|~~a~~|`[a*_~@]{1,3}`|``a`b``",
        1 => "¯\\\\_[(]ツ[)]_/¯|C:\\\\_a\\\\[*][.]b|[*][*]/[*][.]c|__a__|\\\\[*~`_>.a-]",
    ]
}

fn typed_line() -> impl Strategy<Value = String> {
    let begin = prop_oneof![
        8 => Just(""),
        8 => prop::sample::select(vec!["> ", "- ", "* ", "1. ", "2. ", "  ", " ", ">> ", "> > ", "> - ", "- > ", "+ ", ">", "> 1. "]),
    ];
    (begin, prop::collection::vec(piece(), 1..8))
        .prop_map(|(begin, pieces)| format!("{begin}x{}", pieces.concat().trim_end()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn shown_characters_are_the_typed_ones_without_the_marks_of_what_is_drawn(
        typed in prop::collection::vec(prop_oneof![6 => typed_line(), 1 => Just(String::new())], 1..6),
    ) {
        let body = typed.join("\n");
        prop_assume!(!body.trim().is_empty());
        let nodes = parse(&body, &[]);
        let compared = compare(&body, &nodes);
        prop_assert!(compared.is_ok(), "{}\n{body:?}\n{nodes:?}", compared.unwrap_err());
    }

    #[test]
    fn addresses_are_whole_wherever_they_stand(
        before in prop::collection::vec(piece(), 0..4), path in "[a-c_*~.-]{0,8}[a-c_]", after in "|。好|」|, a|[)]|”",
    ) {
        let before = before.concat().replace(['`', '[', 'h'], "");
        let address = format!("https://b.example/{path}");
        let nodes = parse(&format!("x{before} {address}{after}"), &[]);
        let shown = |nodes: &[Node]| format!("{nodes:?}").contains(&format!("shown: [Text({address:?})]"));
        prop_assert!(shown(&nodes), "{address} in {nodes:?}");
    }

    #[test]
    fn code_is_shown_as_it_was_typed(
        code in prop::collection::vec("[ a*_~<&\\\\>#@.-]{0,12}", 1..5), fence in "```|~~~~", quoted in any::<bool>(), label in "|rust|c[+][+]|a_b",
    ) {
        let code = code.join("\n");
        prop_assume!(!code.trim_matches('\n').is_empty());
        let mark = if quoted { "> " } else { "" };
        let lines: String = [&format!("{fence}{label}"), &code, &fence].iter().flat_map(|text| text.split('\n')).map(|line| format!("{mark}{line}\n")).collect();
        let nodes = parse(lines.trim_end(), &[]);
        let pre = Node::Pre { label, code };
        prop_assert_eq!(nodes, if quoted { vec![Node::Quote(vec![pre])] } else { vec![pre] });
    }
}
