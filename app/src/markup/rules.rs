//! Everything in which messages differ from CommonMark, decided before pulldown-cmark reads them: what is no mark here is
//! replaced by something that is none anywhere, byte for byte, so that every place the parser names is one of the message.
//! `docs/markup.md` says the same in words, for other clients.

use std::ops::Range;

use super::context::Context;
use super::inline::{InlineScanner, InlineSpan};
use super::node::Node;

/// Stands for a sign that is no markup: a sign as well, so that emphasis beside it stays what it is.
const SIGN: u8 = b'%';
/// Stands for a byte of something that is one word: an address, a mention, code.
const WORD: u8 = b'a';

/// A message as the parser is to read it.
pub(super) struct Preprocessed {
    /// As long as the message.
    pub(super) markup: String,
    /// Parts that are read by themselves: nothing goes on from one to the next.
    pub(super) parts: Vec<usize>,
    /// Addresses and mentions that are drawn, with their places.
    pub(super) found: Vec<(Range<usize>, Node)>,
}

/// Prepares a message.
pub(super) fn preprocess(body: &str, context: Context<'_>) -> Preprocessed {
    let mut rules =
        Rules { body, markup: body.as_bytes().to_vec(), parts: vec![0], found: Vec::new(), runs: Vec::new(), ticks: 0 };
    let mut begin = 0;
    let lines = body.split_inclusive('\n').map(|line| {
        begin += line.len();
        (begin - line.len(), line.trim_end_matches('\n'))
    });
    rules.lines(&lines.collect::<Vec<_>>(), &mut InlineScanner::new(context));
    rules.settle_runs();
    // Nothing but whole characters was replaced.
    let markup = String::from_utf8(rules.markup).unwrap_or_else(|_| body.to_owned());
    Preprocessed { markup, parts: rules.parts, found: rules.found }
}

/// Marks that a line begins with.
#[derive(Clone, Copy, Default)]
struct Line {
    /// Number of `>`.
    quotes: usize,
    /// Place behind the last `>` and the space that belongs to it.
    quoted: usize,
    /// Place of the last list sign: a `-`, a `*`, or the full stop of a number.
    item: Option<usize>,
    /// Place of the words.
    words: usize,
}

impl Line {
    fn of(line: &str) -> Self {
        let mut of = Self::default();
        loop {
            let rest = line[of.words..].trim_start_matches([' ', '\t']);
            of.words = line.len() - rest.len();
            let number = rest.trim_start_matches(|c: char| c.is_ascii_digit());
            let length = match rest.bytes().next() {
                Some(b'>') => rest.len() - rest.trim_start_matches('>').len(),
                Some(b'-' | b'*') => 1,
                Some(b'0'..=b'9') if number.starts_with('.') => rest.len() - number.len() + 1,
                _ => return of,
            };
            if !rest[length..].is_empty() && !rest[length..].starts_with([' ', '\t']) {
                return of;
            }
            if rest.starts_with('>') {
                of.quotes += length;
                of.quoted = (of.words + length + 1).min(line.len());
            } else {
                of.item = Some(of.words + length - 1);
            }
            of.words += length;
        }
    }

    /// The same line without its list signs.
    fn bare(self, line: &str) -> Self {
        let words = line.len() - line[self.quoted..].trim_start_matches([' ', '\t']).len();
        Self { item: None, words, ..self }
    }

    /// True with a number that begins no list among the lines of a paragraph.
    fn counts_on(self, line: &str) -> bool {
        let number = self.item.map_or("", |sign| line[..sign].trim_end_matches(|c: char| c.is_ascii_digit()));
        self.item.is_some_and(|sign| line[sign..].starts_with('.') && line[number.len()..sign] != *"1")
    }
}

/// Column that follows this beginning of a line.
fn column(begin: &str) -> usize {
    begin.chars().fold(0, |column, c| if c == '\t' { (column / 4 + 1) * 4 } else { column + 1 })
}

fn is_digit(words: &str) -> bool {
    words.starts_with(|c: char| c.is_ascii_digit())
}

fn is_blank(line: &str) -> bool {
    line.trim_matches([' ', '\t']).is_empty()
}

/// An open fence.
struct Fence {
    sign: char,
    length: usize,
    quotes: usize,
    /// Column of the list item that it stands in.
    column: usize,
}

impl Fence {
    fn of(words: &str) -> Option<(char, usize)> {
        let sign = words.chars().next().filter(|sign| matches!(sign, '`' | '~'))?;
        let rest = words.trim_start_matches(sign);
        let length = words.len() - rest.len();
        (length >= 3 && !(sign == '`' && rest.contains('`'))).then_some((sign, length))
    }

    /// True while a line belongs to the fence.
    fn holds(&self, line: &str) -> bool {
        let indentation = &line[..line.len() - line.trim_start_matches([' ', '\t']).len()];
        Line::of(line).quotes >= self.quotes
            && (is_blank(line) || self.quotes > 0 || column(indentation) >= self.column)
    }

    fn is_closed_by(&self, line: &str) -> bool {
        let quoted = Line::of(line).quoted.min(line.len() * self.quotes);
        let words = line[quoted..].trim();
        words.len() >= self.length && words.trim_start_matches(self.sign).is_empty()
    }
}

/// Stars or tildes.
struct Run {
    range: Range<usize>,
    opens: bool,
    closes: bool,
    /// True with a backslash before it.
    escaped: bool,
}

struct Rules<'a> {
    body: &'a str,
    markup: Vec<u8>,
    parts: Vec<usize>,
    found: Vec<(Range<usize>, Node)>,
    /// Those of the paragraph.
    runs: Vec<Run>,
    /// Backticks of the line that are neither around code nor in it.
    ticks: usize,
}

impl Rules<'_> {
    fn lines(&mut self, lines: &[(usize, &str)], words: &mut InlineScanner<'_>) {
        let mut fence = None::<Fence>;
        // The line before, unless it is blank, and the column of the list item that is open.
        let (mut before, mut item) = (None::<Line>, None);
        for (i, &(begin, line)) in lines.iter().enumerate() {
            if let Some(open) = fence.take_if(|open| !open.holds(line) || open.is_closed_by(line)) {
                if open.holds(line) {
                    continue;
                }
            } else if fence.is_some() {
                continue;
            }
            if is_blank(line) {
                self.settle_runs();
                before = None;
                continue;
            }
            let of = |at: usize| lines.get(at).map(|(_, line)| Line::of(line));
            let neighbours = [i.checked_sub(1).and_then(of), of(i + 1)];
            let mut marks = self.marks(begin, line, neighbours);
            if item.is_none() && before.is_some_and(|before| before.quotes == marks.quotes) && marks.counts_on(line) {
                marks = marks.bare(line);
            }
            let at = column(&line[..marks.words]);
            if marks.item.is_some() {
                item = Some(at);
            } else {
                let ends_item = item.is_some_and(|item| at < item);
                if before.is_some_and(|before| marks.quotes < before.quotes || ends_item) {
                    self.settle_runs();
                    self.parts.push(begin);
                    item = None;
                }
                item = item.filter(|_| !ends_item);
            }
            before = Some(marks);
            let margin = column(&line[..marks.quoted]).max(item.unwrap_or(0));
            if let Some((sign, length)) = Fence::of(&line[marks.words..])
                && at <= margin + 3
            {
                self.settle_runs();
                fence = Some(Fence { sign, length, quotes: marks.quotes, column: item.unwrap_or(0) });
                before = None;
                continue;
            }
            if marks.item.is_none() {
                // Space that is no mark of a list.
                let from = begin + marks.words - at.saturating_sub(margin).min(marks.words - marks.quoted);
                self.hide(from..begin + marks.words, SIGN);
            }
            self.words(begin + marks.words, &line[marks.words..], words);
        }
    }

    /// Marks of a line; those that mean nothing are hidden.
    fn marks(&mut self, begin: usize, line: &str, neighbours: [Option<Line>; 2]) -> Line {
        let marks = Line::of(line);
        let has_neighbour = |is: fn(&Line) -> bool| neighbours.iter().flatten().any(is);
        let words = &line[marks.words..];
        if words.is_empty() {
            let is_quoted = marks.quotes > 0 && has_neighbour(|line| line.quotes > 0);
            let from = if is_quoted { marks.quoted } else { 0 };
            self.hide_all(begin + from, &line[from..]);
            let quotes = if is_quoted { marks.quotes } else { 0 };
            return Line { quotes, quoted: from, ..marks }.bare(line);
        }
        match marks.item {
            Some(sign) if sign >= marks.quoted && is_digit(words) && !line[sign..].starts_with('.') => {
                if has_neighbour(|line| line.item.is_some()) {
                    return marks;
                }
                self.hide(begin + sign..begin + sign + 1, SIGN);
                marks.bare(line)
            }
            _ => marks,
        }
    }

    fn hide(&mut self, range: Range<usize>, with: u8) {
        self.markup[range].fill(with);
    }

    /// Hides everything but white space.
    fn hide_all(&mut self, begin: usize, text: &str) {
        for (at, _) in text.bytes().enumerate().filter(|(_, byte)| !matches!(byte, b' ' | b'\t')) {
            self.hide(begin + at..begin + at + 1, SIGN);
        }
    }

    /// The words of a line, from left to right.
    fn words(&mut self, begin: usize, line: &str, words: &mut InlineScanner<'_>) {
        if line.trim_matches(['-', '*', ' ', '\t']).is_empty() {
            return self.hide_all(begin, line);
        }
        let number = line.trim_start_matches(|c: char| c.is_ascii_digit());
        if line.starts_with('>') || number.starts_with(')') {
            let at = begin + line.len() - number.len();
            self.hide(at..at + 1, SIGN);
        }
        let found = words.find(line);
        for (range, what) in &found {
            let ticks = if let InlineSpan::Code(ticks) = what { *ticks } else { 0 };
            self.hide(begin + range.start + ticks..begin + range.end - ticks, WORD);
        }
        let ticks = |text: &str| text.matches('`').count();
        self.ticks = ticks(line) - found.iter().map(|(range, _)| ticks(&line[range.clone()])).sum::<usize>();
        let mut found = found.into_iter().peekable();
        let mut at = 0;
        while at < line.len() {
            if let Some((range, what)) = found.next_if(|(range, _)| range.start == at) {
                at = range.end;
                if let InlineSpan::Node(node) = what {
                    self.found.push((begin + range.start..begin + at, node));
                }
                continue;
            }
            at += match line.as_bytes()[at] {
                b'\\' => self.escape(begin, line, at),
                b'*' | b'~' => self.run(begin, line, at, false),
                b'_' | b'#' | b'=' | b'+' | b'&' | b'<' | b'`' => self.sign(begin + at, 1),
                b':' if line[..at].ends_with(']') => self.sign(begin + at, 1),
                _ => 1,
            };
        }
    }

    /// Hides signs; returns how many.
    fn sign(&mut self, at: usize, count: usize) -> usize {
        self.hide(at..at + count, SIGN);
        count
    }

    /// A backslash, and the sign that it keeps from being markup; where it would be none, both stand as they were typed.
    fn escape(&mut self, begin: usize, line: &str, at: usize) -> usize {
        let rest = &line[at + 1..];
        let begins_line = line[..at].trim_start_matches(|c: char| c.is_ascii_digit()).is_empty();
        let is_apart = rest.get(1..).is_some_and(|rest| rest.starts_with(' '));
        match rest.bytes().next() {
            Some(b'>' | b'-' | b'*') if at == 0 && is_apart => 2,
            Some(b'.') if at > 0 && begins_line && is_apart => 2,
            Some(b'*' | b'~') => 1 + self.run(begin, line, at + 1, true),
            Some(b'`') => {
                let ticks = rest.len() - rest.trim_start_matches('`').len();
                let kept = if self.ticks > ticks { 2 } else { 0 };
                self.sign(begin + at + kept, ticks + 1 - kept);
                1 + ticks
            }
            Some(b'[' | b']') if line.contains("](") => 2,
            Some(b'[' | b']' | b'\\') => self.sign(begin + at, 2),
            _ => self.sign(begin + at, 1),
        }
    }

    /// Stars or tildes: which ends of emphasis they can be. Returns how many bytes they are.
    fn run(&mut self, begin: usize, line: &str, at: usize, escaped: bool) -> usize {
        let (before, rest) = line.split_at(at);
        let length = rest.len() - rest.trim_start_matches(&rest[..1]).len();
        let is_mark = if rest.starts_with('*') { length <= 3 } else { length == 2 };
        let is_word = |at: usize| self.markup.get(at) == Some(&WORD);
        let behind = if escaped { at - 1 } else { at };
        let before =
            if behind > 0 && is_word(begin + behind - 1) { Some('a') } else { before[..behind].chars().next_back() };
        let next = if is_word(begin + at + length) { Some('a') } else { rest[length..].chars().next() };
        let is_apart = |c: Option<char>| c.is_none_or(|c| !c.is_ascii_alphanumeric());
        let touches = |c: Option<char>| c.is_some_and(|c| !c.is_whitespace() && !matches!(c, '/' | '\\' | '='));
        self.runs.push(Run {
            range: begin + at..begin + at + length,
            opens: is_mark
                && is_apart(before)
                && !matches!(before, Some('/' | '\\' | '.'))
                && touches(next)
                && next != Some('.'),
            closes: is_mark && is_apart(next) && touches(before),
            escaped,
        });
        length
    }

    /// Decides about the stars and tildes of a paragraph: those without another end stand as they were typed.
    fn settle_runs(&mut self) {
        let runs = std::mem::take(&mut self.runs);
        for (i, Run { range, opens, closes, escaped }) in runs.iter().enumerate() {
            let is_same =
                |other: &Run| self.body[other.range.clone()].starts_with(&self.body[range.start..=range.start]);
            let opens = *opens && runs[i + 1..].iter().any(|other| other.closes && is_same(other));
            let closes = *closes && runs[..i].iter().any(|other| other.opens && is_same(other));
            match (opens || closes, escaped) {
                (false, _) => self.hide(range.start - usize::from(*escaped)..range.end, SIGN),
                (true, true) => self.hide(range.start + 1..range.end, SIGN),
                (true, false) => {
                    // The parser must find the same ends: a letter inside, where a sign would make it doubt.
                    let next = self.body[range.end..].chars().next().filter(|c| !"*~`[!\\".contains(*c));
                    let link = if self.body.contains("](") { ')' } else { ']' };
                    let before =
                        self.body[..range.start].chars().next_back().filter(|c| !"*~`]".contains(*c) && *c != link);
                    if let Some(c) = next.filter(|_| opens && !closes) {
                        self.hide(range.end..range.end + c.len_utf8(), WORD);
                    }
                    if let Some(c) = before.filter(|_| closes && !opens) {
                        self.hide(range.start - c.len_utf8()..range.start, WORD);
                    }
                }
            }
        }
    }
}

/// True for what would be in italics and is a file name, such as `*notes.*`.
pub(super) fn is_name(marked: &str) -> bool {
    marked.ends_with('.') && !marked.contains(char::is_whitespace)
}

/// True if an item's number is this one: a list whose numbers do not count up by one stands as it was typed.
pub(super) fn is_numbered(item: &str, number: u64) -> bool {
    let item = item.trim_start_matches(['\n', ' ', '\t', '>']);
    item.strip_prefix(&number.to_string()).is_some_and(|rest| rest.starts_with('.'))
}
