//! Pages as data: elements with their attributes, children and listeners.
//!
//! What comes to life in the browser is drawn with this and not with `view!`, which makes code of its own of every kind
//! of element: as data they share one function that writes, one that builds, one that takes over what the server wrote
//! and one that patches. What reacts is a piece that is drawn again when a signal it has read changes: [`El::live`], and
//! for many that are known by a key, [`El::rows`].

use std::borrow::Cow;
use std::sync::Arc;

use client::RowKey;

use self::blocks::BlockId;

pub(crate) mod blocks;
#[cfg(feature = "hydrate")]
mod page;

/// What stands in attributes and texts.
type Str = Cow<'static, str>;

/// An element.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct El {
    tag: &'static str,
    attributes: Vec<(&'static str, Str)>,
    children: Vec<Node>,
    listeners: Vec<Listener>,
    rows: Option<Same<List>>,
    /// From which child on the page has what the server wrote, and these children stand for it.
    written: Option<usize>,
}

#[derive(Clone, PartialEq, Eq)]
enum Node {
    // By pointer: a vector reserves space for four at its first, and most elements have one child.
    El(Arc<El>),
    Text(Str),
    Live(Same<Draw>),
}

/// What hears an event. Two for one event are taken to be the same: what they need to know, they read when it comes.
#[derive(Clone)]
struct Listener {
    event: &'static str,
    #[cfg_attr(not(feature = "hydrate"), expect(dead_code, reason = "nothing happens in the server"))]
    hear: Arc<dyn Fn(&web_sys::Event) + Send + Sync>,
}

impl PartialEq for Listener {
    fn eq(&self, other: &Self) -> bool {
        self.event == other.event
    }
}

impl Eq for Listener {}

type Draw = dyn Fn() -> El + Send + Sync;
type List = dyn Fn() -> Rows + Send + Sync;

/// Rows in their order.
pub(crate) type Rows = Vec<ListedRow>;

/// A row of a list. One that is drawn as before is not looked at again.
#[derive(Clone)]
pub(crate) struct ListedRow {
    /// What tells it from the others.
    pub(crate) key: RowKey,
    /// The block it stands in.
    pub(crate) block: BlockId,
    /// What it shows.
    pub(crate) drawn: Arc<El>,
}

impl ListedRow {
    fn stands_with(&self, other: &Self) -> bool {
        self.block == other.block
    }
}

/// The element of a block.
fn block() -> El {
    el("div").class("block")
}

/// A function, equal to itself alone.
struct Same<T: ?Sized>(Arc<T>);

impl<T: ?Sized> Clone for Same<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: ?Sized> PartialEq for Same<T> {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl<T: ?Sized> Eq for Same<T> {}

/// An element without anything.
pub(crate) fn el(tag: &'static str) -> El {
    El { tag, attributes: Vec::new(), children: Vec::new(), listeners: Vec::new(), rows: None, written: None }
}

impl El {
    /// Sets an attribute that is not set yet.
    pub(crate) fn attr(mut self, name: &'static str, value: impl Into<Str>) -> Self {
        self.attributes.push((name, value.into()));
        self
    }

    /// Sets an attribute that is there or not.
    pub(crate) fn flag(self, name: &'static str, is: bool) -> Self {
        if is { self.attr(name, "") } else { self }
    }

    /// Sets the classes.
    pub(crate) fn class(self, classes: impl Into<Str>) -> Self {
        self.attr("class", classes)
    }

    /// Adds an element.
    pub(crate) fn child(mut self, child: Self) -> Self {
        self.children.push(Node::El(Arc::new(child)));
        self
    }

    /// Adds elements, as many as there are.
    pub(crate) fn children(mut self, children: impl IntoIterator<Item = Self>) -> Self {
        self.children.extend(children.into_iter().map(|child| Node::El(Arc::new(child))));
        self
    }

    /// Adds text. Texts next to each other are one, as they are once a browser has read them.
    pub(crate) fn text(mut self, text: impl Into<Str>) -> Self {
        let text = text.into();
        match self.children.last_mut() {
            _ if text.is_empty() => {}
            Some(Node::Text(before)) => before.to_mut().push_str(&text),
            _ => self.children.push(Node::Text(text)),
        }
        self
    }

    /// Adds an element that is drawn again when a signal changes that was read in drawing it. It always has the same
    /// tag. It lasts as long as the owner under which it was built, so it belongs into what stays.
    pub(crate) fn live(mut self, draw: impl Fn() -> Self + Send + Sync + 'static) -> Self {
        self.children.push(Node::Live(Same(Arc::new(draw))));
        self
    }

    /// Lets the children be these rows and nothing else, listed again as [`El::live`] draws again. They stand in blocks,
    /// which the browser skips where they are not on the screen.
    pub(crate) fn rows(mut self, list: impl Fn() -> Rows + Send + Sync + 'static) -> Self {
        self.rows = Some(Same(Arc::new(list)));
        self
    }

    /// Lets what the server wrote stay in the page, whatever is added from here on. That is shown only where the element
    /// has to be made anew.
    pub(crate) fn written(mut self) -> Self {
        self.written = Some(self.children.len());
        self
    }

    /// Hears an event. The listener comes with the element and stays: patching does not change it.
    pub(crate) fn on(
        mut self,
        event: &'static str,
        listener: impl Fn(&web_sys::Event) + Send + Sync + 'static,
    ) -> Self {
        self.listeners.push(Listener { event, hear: Arc::new(listener) });
        self
    }

    /// As a part of a page that the server writes and that stays as it is.
    #[cfg(feature = "ssr")]
    pub(crate) fn view(&self) -> leptos::tachys::html::InertElement {
        leptos::tachys::html::InertElement::new(self.html())
    }

    #[cfg(any(feature = "ssr", test))]
    pub(in crate::ui) fn html(&self) -> String {
        let mut html = String::new();
        self.write(&mut html);
        html
    }

    #[cfg(any(feature = "ssr", test))]
    fn write(&self, html: &mut String) {
        html.push('<');
        html.push_str(self.tag);
        for (name, value) in &self.attributes {
            html.push(' ');
            html.push_str(name);
            html.push_str("=\"");
            escape(value, html);
            html.push('"');
        }
        html.push('>');
        match self.tag {
            "br" | "img" | "input" => return,
            // A parser drops the first line break in it.
            "textarea" => html.push('\n'),
            _ => {}
        }
        for child in &self.children {
            match child {
                Node::El(child) => child.write(html),
                Node::Text(text) => escape(text, html),
                Node::Live(draw) => (draw.0)().write(html),
            }
        }
        let rows: Rows = self.rows.iter().flat_map(|list| (list.0)()).collect();
        for rows in rows.chunk_by(ListedRow::stands_with) {
            let mut block = block();
            block.children = rows.iter().map(|row| Node::El(row.drawn.clone())).collect();
            block.write(html);
        }
        html.push_str("</");
        html.push_str(self.tag);
        html.push('>');
    }
}

#[cfg(any(feature = "ssr", test))]
fn escape(text: &str, html: &mut String) {
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            c => html.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_escaped() {
        let piece = el("p").attr("title", "\"><script>").text("<b>&amp;</b>").child(el("br")).text("x");
        assert_eq!(piece.html(), "<p title=\"&quot;&gt;&lt;script&gt;\">&lt;b&gt;&amp;amp;&lt;/b&gt;<br>x</p>");
    }

    #[test]
    fn texts_next_to_each_other_are_one() {
        assert!(el("p").text("a").text("").text("b") == el("p").text("ab"));
    }
}
