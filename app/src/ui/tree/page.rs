//! Pieces in the browser's page. Patching keeps the elements that are there, and so the focus, the selection and the
//! place.

use std::collections::HashMap;
use std::sync::Arc;

use client::RowKey;
use reactive_graph::graph::untrack;
use wasm_bindgen::JsCast;
use web_sys::{Element, Node as DomNode};

use super::blocks::BlockId;
use super::{Draw, El, List, ListedRow, Listener, Node, Same, block};
use crate::live::{browser, draw};

impl El {
    /// A new element; `None` where a browser does not know how to make one.
    fn build_in(&self, namespace: Option<&'static str>) -> Option<Element> {
        let namespace = if self.tag == "svg" { Some("http://www.w3.org/2000/svg") } else { namespace };
        let element = browser::new_element(self.tag, namespace)?;
        for (name, value) in &self.attributes {
            let _ = element.set_attribute(name, value);
        }
        for child in &self.children {
            add(&element, child.build(namespace));
        }
        self.enliven(&element);
        Some(element)
    }

    /// Takes over an element that the server wrote from the same piece.
    pub(in crate::ui) fn adopt(&self, element: &Element) {
        let mut at = element.first_child();
        for child in &self.children {
            let Some(node) = fitting(at.take(), child.name()) else { break };
            at = node.next_sibling();
            match (child, node.dyn_into::<Element>()) {
                (Node::El(child), Ok(element)) => child.adopt(&element),
                (Node::Live(draw), Ok(element)) => keep_drawn(draw.clone(), element, None),
                _ => {}
            }
        }
        self.enliven(element);
    }

    fn enliven(&self, element: &Element) {
        for Listener { event, hear } in &self.listeners {
            let hear = hear.clone();
            browser::hear(element, event, move |event| hear(event));
        }
        if let Some(list) = self.rows.clone() {
            keep_listed(list, element.clone());
        }
    }

    /// Makes an element that shows `old` show this.
    fn patch(&self, element: &Element, old: &Self) {
        for (name, value) in &self.attributes {
            if !old.attributes.iter().any(|(known, before)| known == name && before == value) {
                let _ = element.set_attribute(name, value);
            }
        }
        for (name, _) in &old.attributes {
            if !self.attributes.iter().any(|(kept, _)| kept == name) {
                let _ = element.remove_attribute(name);
            }
        }
        if self.written != old.written {
            element.set_text_content(None);
            self.children.iter().for_each(|child| add(element, child.build(None)));
            return;
        }
        let known = self.written.unwrap_or(usize::MAX);
        let mut at = element.first_child();
        for (i, child) in self.children.iter().enumerate().take(known) {
            let Some(before) = old.children.get(i) else {
                add(element, child.build(None));
                continue;
            };
            let node = fitting(at.take(), before.name());
            at = node.as_ref().and_then(DomNode::next_sibling);
            match node {
                Some(node) if before.becomes(child) => child.patch(&node, before),
                Some(node) => {
                    if let Some(new) = child.build(None) {
                        let _ = element.replace_child(&new, &node);
                    }
                }
                None => add(element, child.build(None)),
            }
        }
        for surplus in old.children.iter().take(known).skip(self.children.len()) {
            let Some(node) = fitting(at.take(), surplus.name()) else { return };
            at = node.next_sibling();
            let _ = element.remove_child(&node);
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

    fn build(&self, namespace: Option<&'static str>) -> Option<DomNode> {
        match self {
            Self::El(el) => el.build_in(namespace).map(Into::into),
            Self::Text(text) => browser::new_text(text).map(Into::into),
            Self::Live(draw) => {
                let drawn = untrack(|| (draw.0)());
                let element = drawn.build_in(namespace)?;
                keep_drawn(draw.clone(), element.clone(), Some(drawn));
                Some(element.into())
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

fn add(parent: &Element, node: Option<DomNode>) {
    if let Some(node) = node {
        let _ = parent.append_child(&node);
    }
}

/// Lets an element show a live piece, now and as often as it changes. Without `shown` the server wrote it.
fn keep_drawn(live: Same<Draw>, element: Element, mut shown: Option<El>) {
    draw(move || {
        let drawn = (live.0)();
        match &shown {
            None => drawn.adopt(&element),
            Some(old) if *old != drawn => drawn.patch(&element, old),
            Some(_) => {}
        }
        shown = Some(drawn);
    });
}

/// A row in the page.
struct ShownRow {
    row: ListedRow,
    element: Element,
}

/// A block in the page and the rows in it.
struct Block {
    id: BlockId,
    element: Element,
    rows: Vec<ShownRow>,
}

/// Lets an element show rows, now and as often as they change. Those that are in it the server wrote.
fn keep_listed(list: Same<List>, parent: Element) {
    let mut shown = None;
    draw(move || {
        let rows = (list.0)();
        let shown = shown.get_or_insert_with(|| written(&parent, &rows));
        show(&parent, shown, &rows);
    });
}

/// The blocks that the server wrote.
fn written(parent: &Element, rows: &[ListedRow]) -> Vec<Block> {
    let mut at = parent.first_child();
    let mut blocks = Vec::new();
    for rows in rows.chunk_by(ListedRow::stands_with) {
        let (Some(first), Some(element)) = (rows.first(), next_element(&mut at, block().tag)) else { break };
        let mut at = element.first_child();
        let rows = rows.iter().map_while(|row| {
            let element = next_element(&mut at, row.drawn.tag)?;
            Some(ShownRow { row: row.clone(), element })
        });
        blocks.push(Block { id: first.block, rows: rows.collect(), element });
    }
    blocks
}

/// The next of the siblings that is called so; `at` stands behind it then.
fn next_element(at: &mut Option<DomNode>, name: &str) -> Option<Element> {
    let element: Element = fitting(at.take(), name)?.dyn_into().ok()?;
    *at = element.next_sibling();
    Some(element)
}

/// Makes `parent` show these rows, block by block.
fn show(parent: &Element, shown: &mut Vec<Block>, rows: &[ListedRow]) {
    shown.retain(|block| {
        let stays = rows.iter().any(|row| row.block == block.id);
        if !stays {
            block.element.remove();
        }
        stays
    });
    let mut at = parent.first_child();
    for (i, rows) in rows.chunk_by(ListedRow::stands_with).enumerate() {
        let Some(id) = rows.first().map(|row| row.block) else { continue };
        if shown.get(i).is_none_or(|block| block.id != id) {
            let Some(element) = block().build_in(None) else { return };
            shown.insert(i, Block { id, element, rows: Vec::new() });
        }
        if let Some(block) = shown.get_mut(i) {
            block.show(rows);
            put(parent, &block.element, &mut at);
        }
    }
}

impl Block {
    /// Shows these rows. The elements of rows that stay are kept; a row moves only when the order changed.
    fn show(&mut self, rows: &[ListedRow]) {
        let is_same = |(shown, row): (&ShownRow, &ListedRow)| {
            shown.row.key == row.key && Arc::ptr_eq(&shown.row.drawn, &row.drawn)
        };
        if self.rows.len() == rows.len() && self.rows.iter().zip(rows).all(is_same) {
            return;
        }
        let mut before: HashMap<RowKey, ShownRow> = self.rows.drain(..).map(|shown| (shown.row.key, shown)).collect();
        let kept: Vec<Option<ShownRow>> = rows.iter().map(|row| before.remove(&row.key)).collect();
        for (_, gone) in before {
            gone.element.remove();
        }
        let mut at = self.element.first_child();
        for (row, kept) in rows.iter().zip(kept) {
            let element = match kept {
                Some(ShownRow { row: old, element }) => {
                    if !Arc::ptr_eq(&row.drawn, &old.drawn) && row.drawn != old.drawn {
                        row.drawn.patch(&element, &old.drawn);
                    }
                    element
                }
                None => {
                    let Some(element) = row.drawn.build_in(None) else { continue };
                    element
                }
            };
            put(&self.element, &element, &mut at);
            self.rows.push(ShownRow { row: row.clone(), element });
        }
        // How high it may be, before it is on the screen for the first time.
        browser::set_property(&self.element, "--rows", &rows.len().to_string());
    }
}

/// Lets `element` stand in `parent` before `at`, which is behind it then. One that stands there already is not moved.
fn put(parent: &Element, element: &Element, at: &mut Option<DomNode>) {
    if at.as_ref().is_some_and(|at| at == element.as_ref() as &DomNode) {
        *at = element.next_sibling();
    } else {
        let _ = parent.insert_before(element, at.as_ref());
    }
}
