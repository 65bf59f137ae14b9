//! The talk as a file. In both forms each message is a line that begins at the margin, with author, exact time and what
//! became of it, and below it, indented, what it answers and its words as they were typed. No line of a message can stand
//! at the margin, so none can pass for another message.

use protocol::RoomCode;

use super::goal::Form;
use crate::text;

/// A talk to be saved.
pub(super) struct Talk {
    /// The room's code.
    pub(super) code: RoomCode,
    /// Time of saving, in UTC milliseconds.
    pub(super) at: u64,
    /// Reader's offset from UTC, in minutes. All times are written with it.
    pub(super) utc_offset: i32,
    /// True if nothing older is left out.
    pub(super) is_whole: bool,
    /// The messages, oldest first.
    pub(super) messages: Vec<Said>,
}

/// A message of the talk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said {
    /// Name of the author.
    pub(super) author: String,
    /// Time in UTC milliseconds.
    pub(super) at: u64,
    /// Text as it was typed; `None` when it was deleted.
    pub(super) body: Option<String>,
    /// True if it was edited.
    pub(super) edited: bool,
    /// The message that it answers.
    pub(super) reply: Option<Answered>,
}

/// A message that another one answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answered {
    /// Name of the author, if it is known.
    pub(super) author: Option<String>,
    /// The beginning of its words, on one line.
    pub(super) words: String,
}

impl Talk {
    /// The name of the file: `flasky-KXQ4-7M2P-2026-12-01-1432.md`.
    pub(super) fn file_name(&self, form: Form) -> String {
        let ending = match form {
            Form::Markdown => "md",
            Form::Plain => "txt",
        };
        let moment = self.local(self.at);
        format!("flasky-{}-{}-{}{}.{ending}", self.code, &moment[..10], &moment[11..13], &moment[14..16])
    }

    /// The content of the file.
    pub(super) fn written(&self, form: Form) -> String {
        let mark = if form == Form::Markdown { "# " } else { "" };
        let mut file =
            format!("{mark}{}\n\n{}\n", text::room(&self.code.to_string()), text::saved_at(&self.exact(self.at)));
        if !self.is_whole {
            file.push_str(&format!("\n{}\n", text::not_whole()));
        }
        for message in &self.messages {
            file.push('\n');
            self.write(message, form, &mut file);
        }
        file
    }

    fn write(&self, message: &Said, form: Form, file: &mut String) {
        let (bullet, indent) = if form == Form::Markdown { ("- ", "  ") } else { ("", "    ") };
        let marks = [
            (message.reply.is_some(), text::saved_reply()),
            (message.edited, text::edited()),
            (message.body.is_none(), text::deleted()),
        ];
        let marks: Vec<_> = marks.into_iter().filter_map(|(is, mark)| is.then_some(mark)).collect();
        let marks = if marks.is_empty() { String::new() } else { format!(" ({})", marks.join(", ")) };
        file.push_str(&format!("{bullet}{} {}{marks}\n", named(&message.author, form), self.exact(message.at)));
        let mut paragraph = |lines: &str| {
            if form == Form::Markdown {
                file.push('\n');
            }
            for line in lines.split('\n') {
                // Without the spaces that editors take away.
                let indent = if line.is_empty() { "" } else { indent };
                file.push_str(&format!("{indent}{line}\n"));
            }
        };
        if let Some(Answered { author, words }) = &message.reply {
            let author = author.as_ref().map(|author| named(author, form) + ": ").unwrap_or_default();
            paragraph(&format!("> {author}{}", plain(words, form)));
        }
        if let Some(body) = &message.body {
            paragraph(body);
        }
    }

    /// The time that the reader's clock showed, in the form of RFC 3339 but for its zone.
    fn local(&self, at: u64) -> String {
        text::iso(at.saturating_add_signed(i64::from(self.utc_offset) * 60_000))
    }

    /// A moment such as `2026-12-01 14:32:10 +01:00`.
    fn exact(&self, at: u64) -> String {
        let (moment, offset) = (self.local(at), self.utc_offset.unsigned_abs());
        let sign = if self.utc_offset < 0 { '-' } else { '+' };
        format!("{} {} {sign}{:02}:{:02}", &moment[..10], &moment[11..19], offset / 60, offset % 60)
    }
}

fn named(name: &str, form: Form) -> String {
    let mark = if form == Form::Markdown { "**" } else { "" };
    format!("{mark}{}{mark}", plain(name, form))
}

/// Text that means no markup in this form.
fn plain(text: &str, form: Form) -> String {
    let escape = |c: char| (form == Form::Markdown && c.is_ascii_punctuation()).then_some('\\');
    text.chars().flat_map(|c| escape(c).into_iter().chain([c])).collect()
}

#[cfg(test)]
mod tests;
