use proptest::prelude::*;
use protocol::MessageBody;

use super::*;

fn talk(messages: Vec<Said>, utc_offset: i32) -> Talk {
    Talk { code: "KXQ4-7M2P".parse().unwrap(), at: 1_795_403_715_000, utc_offset, is_whole: true, messages }
}

fn said(author: &str, body: &str) -> Said {
    Said { author: author.to_owned(), at: 1_795_403_700_000, body: Some(body.to_owned()), edited: false, reply: None }
}

#[test]
fn file_is_named_by_room_and_local_time() {
    assert_eq!(talk(Vec::new(), 0).file_name(Form::Markdown), "flasky-KXQ4-7M2P-2026-11-23-0315.md");
    assert_eq!(talk(Vec::new(), -210).file_name(Form::Plain), "flasky-KXQ4-7M2P-2026-11-22-2345.txt");
}

fn example() -> Talk {
    let answered = Answered { author: Some("Bo_".to_owned()), words: "Who brings the *cake*?".to_owned() };
    let unknown = Answered { author: None, words: "an earlier message".to_owned() };
    let reply = Said { edited: true, reply: Some(answered), ..said("Ana", "I do\n\n- with **candles**") };
    let deleted = Said { body: None, reply: Some(unknown), ..said("Bo_", "") };
    Talk { is_whole: false, ..talk(vec![said("Bo_", "# Who?"), reply, deleted], 60) }
}

#[test]
fn markdown_keeps_what_was_typed_and_escapes_the_rest() {
    let head = format!("# Room KXQ4-7M2P\n\nSaved 2026-11-23 04:15:15 +01:00.\n\n{}\n\n", text::not_whole());
    let rest = "- **Bo\\_** 2026-11-23 04:15:00 +01:00\n\n  # Who?\n\n- **Ana** 2026-11-23 04:15:00 +01:00 (reply, edited)\n\n  \
                > **Bo\\_**: Who brings the \\*cake\\*\\?\n\n  I do\n\n  - with **candles**\n\n- **Bo\\_** 2026-11-23 \
                04:15:00 +01:00 (reply, Message deleted)\n\n  > an earlier message\n";
    assert_eq!(example().written(Form::Markdown), head + rest);
}

#[test]
fn text_has_no_marks_of_its_own() {
    let head = format!("Room KXQ4-7M2P\n\nSaved 2026-11-23 04:15:15 +01:00.\n\n{}\n\n", text::not_whole());
    let rest = "Bo_ 2026-11-23 04:15:00 +01:00\n    # Who?\n\nAna 2026-11-23 04:15:00 +01:00 (reply, edited)\n    > Bo_: \
                Who brings the *cake*?\n    I do\n\n    - with **candles**\n\nBo_ 2026-11-23 04:15:00 +01:00 (reply, Message \
                deleted)\n    > an earlier message\n";
    assert_eq!(example().written(Form::Plain), head + rest);
}

/// Messages of a saved Markdown file.
fn read(file: &str, utc_offset: i32) -> Vec<Said> {
    let mut messages: Vec<(Said, Vec<String>)> = Vec::new();
    for line in file.split('\n') {
        if let Some(head) = line.strip_prefix("- ") {
            messages.push((read_head(head, utc_offset), Vec::new()));
        } else if let Some((_, lines)) = messages.last_mut() {
            lines.push(line.strip_prefix("  ").unwrap_or(line).to_owned());
        }
    }
    messages.into_iter().map(|(said, lines)| read_lines(said, &lines)).collect()
}

fn read_head(head: &str, utc_offset: i32) -> Said {
    let (author, rest) = read_name(head);
    let (moment, marks) = rest.split_at(" 2026-11-23 04:15:00 +01:00".len());
    let zone =
        format!(" {}{:02}:{:02}", if utc_offset < 0 { '-' } else { '+' }, utc_offset.abs() / 60, utc_offset.abs() % 60);
    assert_eq!(moment[20..], zone);
    let days = days_until(&moment[1..11]);
    let clock: Vec<i64> = moment[12..20].split(':').map(|part| part.parse().unwrap()).collect();
    let local = ((days * 24 + clock[0]) * 60 + clock[1]) * 60 + clock[2];
    let at = u64::try_from((local - i64::from(utc_offset) * 60) * 1_000).unwrap();
    let marks: Vec<&str> = marks.trim_start().trim_matches(['(', ')']).split(", ").collect();
    let reply = marks.contains(&text::saved_reply()).then(|| Answered { author: None, words: String::new() });
    let body = (!marks.contains(&text::deleted())).then(String::new);
    Said { author, at, body, edited: marks.contains(&text::edited()), reply }
}

fn days_until(date: &str) -> i64 {
    (0..60_000).find(|day| text::iso_day(*day) == date).unwrap()
}

fn read_name(text: &str) -> (String, &str) {
    let (mut name, mut rest) = (String::new(), text.strip_prefix("**").unwrap().chars());
    loop {
        match rest.next().unwrap() {
            '\\' => name.extend(rest.next()),
            '*' => return (name, rest.as_str().strip_prefix('*').unwrap()),
            c => name.push(c),
        }
    }
}

fn read_plain(text: &str) -> String {
    let mut chars = text.chars();
    std::iter::from_fn(|| chars.next().and_then(|c| if c == '\\' { chars.next() } else { Some(c) })).collect()
}

fn read_lines(mut said: Said, lines: &[String]) -> Said {
    let mut lines = &lines[1..];
    if let Some(reply) = &mut said.reply {
        let words = lines[0].strip_prefix("> ").unwrap();
        let (author, words) = if words.starts_with("**") {
            let (author, rest) = read_name(words);
            (Some(author), rest.strip_prefix(": ").unwrap())
        } else {
            (None, words)
        };
        *reply = Answered { author, words: read_plain(words) };
        lines = lines.get(2..).unwrap_or_default();
    }
    if said.body.is_some() {
        said.body = Some(lines.join("\n").trim_end().to_owned());
    }
    said
}

fn names() -> impl Strategy<Value = String> {
    "[^\\s\\pC][^\\pC\\s]{0,8}"
}

fn bodies() -> impl Strategy<Value = Option<String>> {
    let words = prop_oneof![
        "(.|\n){1,60}",
        "( {0,4}(-|\\*|#|>|```|\\*\\*Ana\\*\\* 2026-11-23 04:15:00 \\+01:00|[0-9]\\.) ?[a-z]{0,3}\n){1,6}x",
    ];
    prop::option::of(words.prop_filter_map("a message", |typed| {
        let body: MessageBody = typed.parse().ok()?;
        Some(body.as_str().to_owned())
    }))
}

prop_compose! {
    fn messages()(
        author in names(),
        second in 0..4_000_000_000_u64,
        body in bodies(),
        edited: bool,
        reply in prop::option::of((prop::option::of(names()), "[^\\s\\pC*][^\\pC\\n]{0,20}")),
    ) -> Said {
        let reply = reply.map(|(author, words)| Answered { author, words });
        Said { author, at: (86_400 + second) * 1_000, body, edited, reply }
    }
}

proptest! {
    #[test]
    fn saved_talk_read_again_is_the_same(messages in prop::collection::vec(messages(), 0..6), zone in -48..56_i32) {
        let utc_offset = zone * 15;
        let file = talk(messages.clone(), utc_offset).written(Form::Markdown);
        prop_assert_eq!(read(&file, utc_offset), messages);
    }
}
