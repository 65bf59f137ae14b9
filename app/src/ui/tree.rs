//! Pages as data: elements with their attributes, children and listeners.
//!
//! What comes to life in the browser is drawn with this and not with `view!`, which makes code of its own of every kind
//! of element: as data they share one function that writes, one that builds, one that takes over what the server wrote
//! and one that patches. Patching keeps the elements that are there, and so the focus, the selection and the place.
//! What reacts is a piece that is drawn again when a signal it has read changes: [`El::live`], and for many that are
//! known by a key, [`El::rows`].

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use leptos::prelude::untrack;
use leptos::tachys::html::attribute::Attribute;
use leptos::tachys::html::attribute::any_attribute::AnyAttribute;
use leptos::tachys::hydration::Cursor;
use leptos::tachys::prelude::{AddAnyAttr, Mountable, Render, RenderHtml};
use leptos::tachys::renderer::types::{Element, Node as DomNode};
use leptos::tachys::renderer::{CastFrom, Rndr};
use leptos::tachys::view::{Position, PositionState};
use wasm_bindgen::JsCast;

use crate::client::RowKey;
use crate::live::browser;
use crate::live::watch;

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
}

#[derive(Clone, PartialEq, Eq)]
enum Node {
    El(El),
    Text(Str),
    Live(Same<Draw>),
}

/// What hears an event. Two for one event are taken to be the same: what they need to know, they read when it comes.
#[derive(Clone)]
struct Listener {
    event: &'static str,
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

/// Rows in their order. One that is the same as before is not looked at again.
pub(crate) type Rows = Vec<(RowKey, Arc<El>)>;

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
    El { tag, attributes: Vec::new(), children: Vec::new(), listeners: Vec::new(), rows: None }
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
        self.children.push(Node::El(child));
        self
    }

    /// Adds elements, as many as there are.
    pub(crate) fn children(mut self, children: impl IntoIterator<Item = Self>) -> Self {
        self.children.extend(children.into_iter().map(Node::El));
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

    /// Lets the children be these rows and nothing else, listed again as [`El::live`] draws again.
    pub(crate) fn rows(mut self, list: impl Fn() -> Rows + Send + Sync + 'static) -> Self {
        self.rows = Some(Same(Arc::new(list)));
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
        for (_, row) in self.rows.iter().flat_map(|list| (list.0)()) {
            row.write(html);
        }
        html.push_str("</");
        html.push_str(self.tag);
        html.push('>');
    }

    fn build_in(&self, namespace: Option<&'static str>) -> Element {
        let namespace = if self.tag == "svg" { Some("http://www.w3.org/2000/svg") } else { namespace };
        let element = Rndr::create_element(self.tag, namespace);
        for (name, value) in &self.attributes {
            Rndr::set_attribute(&element, name, value);
        }
        for child in &self.children {
            let _ = element.append_child(&child.build(namespace));
        }
        self.enliven(&element, Vec::new());
        element
    }

    /// Takes over an element that the server wrote from the same piece.
    fn adopt(&self, element: &Element) {
        let mut at = element.first_child();
        for child in &self.children {
            let drawn = match child {
                Node::Text(_) => {
                    at = fitting(at.take(), "#text").and_then(|text| text.next_sibling());
                    continue;
                }
                Node::El(child) => Cow::Borrowed(child),
                Node::Live(draw) => Cow::Owned(untrack(|| (draw.0)())),
            };
            let Some(element) = fitting(at.take(), drawn.tag).and_then(|node| node.dyn_into::<Element>().ok()) else {
                break;
            };
            at = element.next_sibling();
            drawn.adopt(&element);
            if let (Node::Live(draw), Cow::Owned(drawn)) = (child, drawn) {
                redraw(draw.clone(), drawn, element);
            }
        }
        let mut rows = Vec::new();
        for (key, row) in self.rows.iter().flat_map(|list| untrack(|| (list.0)())) {
            let Some(element) = fitting(at.take(), row.tag).and_then(|node| node.dyn_into::<Element>().ok()) else {
                break;
            };
            at = element.next_sibling();
            rows.push(ShownRow { key, row, element });
        }
        self.enliven(element, rows);
    }

    fn enliven(&self, element: &Element, mut shown: Vec<ShownRow>) {
        for Listener { event, hear } in &self.listeners {
            let hear = hear.clone();
            browser::hear(element, event, move |event| hear(event));
        }
        if let Some(list) = self.rows.clone() {
            let element = element.clone();
            watch(move || show(&element, &mut shown, (list.0)()));
        }
    }

    /// Makes an element that shows `old` show this.
    fn patch(&self, element: &Element, old: &Self) {
        for (name, value) in &self.attributes {
            if !old.attributes.iter().any(|(known, before)| known == name && before == value) {
                Rndr::set_attribute(element, name, value);
            }
        }
        for (name, _) in &old.attributes {
            if !self.attributes.iter().any(|(kept, _)| kept == name) {
                Rndr::remove_attribute(element, name);
            }
        }
        let mut at = element.first_child();
        for (i, child) in self.children.iter().enumerate() {
            let Some(before) = old.children.get(i) else {
                let _ = element.append_child(&child.build(None));
                continue;
            };
            let node = fitting(at.take(), before.name());
            at = node.as_ref().and_then(DomNode::next_sibling);
            match node {
                Some(node) if before.becomes(child) => child.patch(&node, before),
                Some(node) => drop(element.replace_child(&child.build(None), &node)),
                None => drop(element.append_child(&child.build(None))),
            }
        }
        for surplus in old.children.iter().skip(self.children.len()) {
            let Some(node) = fitting(at.take(), surplus.name()) else { return };
            at = node.next_sibling();
            Rndr::remove(&node);
        }
    }

    /// Whether an element of this can be made to show the other: what reacts stays with its element.
    fn becomes(&self, other: &Self) -> bool {
        self.tag == other.tag && self.listeners == other.listeners && self.rows == other.rows
    }
}

impl Node {
    /// What a browser calls a node of this, in lower case; nothing for one whose tag only drawing tells.
    fn name(&self) -> &'static str {
        match self {
            Self::El(el) => el.tag,
            Self::Text(_) => "#text",
            Self::Live(_) => "",
        }
    }

    fn build(&self, namespace: Option<&'static str>) -> DomNode {
        match self {
            Self::El(el) => el.build_in(namespace).into(),
            Self::Text(text) => Rndr::create_text_node(text).into(),
            Self::Live(draw) => {
                let drawn = untrack(|| (draw.0)());
                let element = drawn.build_in(namespace);
                redraw(draw.clone(), drawn, element.clone());
                element.into()
            }
        }
    }

    /// Whether the node of this can be made to show the other.
    fn becomes(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::El(one), Self::El(other)) => one.becomes(other),
            (Self::Text(_), Self::Text(_)) => true,
            (Self::Live(one), Self::Live(other)) => one == other,
            _ => false,
        }
    }

    fn patch(&self, node: &DomNode, old: &Self) {
        match (self, old) {
            (Self::El(new), Self::El(old)) if new != old => {
                if let Some(element) = node.dyn_ref() {
                    new.patch(element, old);
                }
            }
            (Self::Text(new), Self::Text(old)) if new != old => node.set_text_content(Some(new)),
            _ => {}
        }
    }
}

/// This node or the next of its siblings that is called so: browsers' extensions put nodes of their own in between.
fn fitting(mut at: Option<DomNode>, name: &str) -> Option<DomNode> {
    while let Some(node) = at {
        let is_element = node.node_type() == DomNode::ELEMENT_NODE;
        if (name.is_empty() && is_element) || node.node_name().eq_ignore_ascii_case(name) {
            return Some(node);
        }
        at = node.next_sibling();
    }
    None
}

/// Draws a live piece again as often as it changes.
fn redraw(draw: Same<Draw>, mut shown: El, element: Element) {
    watch(move || {
        let drawn = (draw.0)();
        if drawn != shown {
            drawn.patch(&element, &shown);
            shown = drawn;
        }
    });
}

/// A row in the page and what it shows.
struct ShownRow {
    key: RowKey,
    row: Arc<El>,
    element: Element,
}

/// Makes `parent` show these rows. The elements of rows that stay are kept; a row moves only when the order changed.
fn show(parent: &Element, shown: &mut Vec<ShownRow>, rows: Rows) {
    let mut before: HashMap<RowKey, ShownRow> = shown.drain(..).map(|row| (row.key, row)).collect();
    let mut kept: Vec<(RowKey, Arc<El>, Option<ShownRow>)> =
        rows.into_iter().map(|(key, row)| (key, row, before.remove(&key))).collect();
    for (_, gone) in before {
        Rndr::remove(&gone.element);
    }
    let mut at = parent.first_child();
    for (key, row, kept) in kept.drain(..) {
        let element = match kept {
            Some(ShownRow { row: old, element, .. }) => {
                if !Arc::ptr_eq(&row, &old) && *row != *old {
                    row.patch(&element, &old);
                }
                element
            }
            None => row.build_in(None),
        };
        if at.as_ref() == Some(&element) {
            at = element.next_sibling();
        } else {
            let _ = parent.insert_before(&element, at.as_ref());
        }
        shown.push(ShownRow { key, row, element });
    }
}

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

/// An element in the page and what it shows.
pub(crate) struct Shown {
    el: El,
    element: Element,
}

impl Mountable for Shown {
    fn unmount(&mut self) {
        self.element.unmount();
    }

    fn mount(&mut self, parent: &Element, marker: Option<&DomNode>) {
        self.element.mount(parent, marker);
    }

    fn insert_before_this(&self, child: &mut dyn Mountable) -> bool {
        self.element.insert_before_this(child)
    }

    fn elements(&self) -> Vec<Element> {
        vec![self.element.clone()]
    }
}

impl Render for El {
    type State = Shown;

    fn build(self) -> Shown {
        let element = self.build_in(None);
        Shown { el: self, element }
    }

    fn rebuild(self, shown: &mut Shown) {
        if self == shown.el {
            return;
        }
        if self.tag == shown.el.tag {
            self.patch(&shown.element, &shown.el);
        } else {
            let mut element = self.build_in(None);
            shown.element.insert_before_this(&mut element);
            shown.element.unmount();
            shown.element = element;
        }
        shown.el = self;
    }
}

impl AddAnyAttr for El {
    type Output<NewAttr: Attribute> = Self;

    /// Pieces have the attributes they were made with: nothing spreads attributes onto them.
    fn add_any_attr<NewAttr: Attribute>(self, _: NewAttr) -> Self {
        self
    }
}

impl RenderHtml for El {
    type AsyncOutput = Self;
    type Owned = Self;

    const MIN_LENGTH: usize = 0;

    fn dry_resolve(&mut self) {}

    async fn resolve(self) -> Self {
        self
    }

    fn to_html_with_buf(
        self,
        html: &mut String,
        position: &mut Position,
        _escape: bool,
        _mark_branches: bool,
        _extra_attrs: Vec<AnyAttribute>,
    ) {
        self.write(html);
        *position = Position::NextChild;
    }

    /// The server wrote the same piece: its element is taken as it is.
    fn hydrate<const FROM_SERVER: bool>(self, cursor: &Cursor, position: &PositionState) -> Shown {
        match position.get() {
            Position::FirstChild => cursor.child(),
            Position::Current => {}
            _ => cursor.sibling(),
        }
        let element = match Element::cast_from(cursor.current()) {
            Some(element) => {
                self.adopt(&element);
                element
            }
            None => self.build_in(None),
        };
        position.set(Position::NextChild);
        Shown { el: self, element }
    }

    fn into_owned(self) -> Self {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_escaped() {
        let piece = el("p").attr("title", "\"><script>").text("<b>&amp;</b>").child(el("br")).text("x");
        assert_eq!(piece.to_html(), "<p title=\"&quot;&gt;&lt;script&gt;\">&lt;b&gt;&amp;amp;&lt;/b&gt;<br>x</p>");
    }

    #[test]
    fn texts_next_to_each_other_are_one() {
        assert!(el("p").text("a").text("").text("b") == el("p").text("ab"));
    }
}
