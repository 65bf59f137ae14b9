//! Marks in the page's text, by the CSS Custom Highlight API: they change no element. Browsers without it mark nothing.

use std::ops::Range;

use js_sys::{Array, Function, Map, Reflect};
use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Element, Node, Text};

/// The texts in an element, in the page's order, without those in what the selector means.
#[must_use]
pub fn texts_in(element: &Element, except: &str) -> Vec<Text> {
    fn collect(node: &Node, except: &str, texts: &mut Vec<Text>) {
        let children = node.child_nodes();
        for child in (0..children.length()).filter_map(|nth| children.item(nth)) {
            match child.dyn_into::<Text>() {
                Ok(text) => texts.push(text),
                Err(child) => {
                    let is_excepted =
                        child.dyn_ref::<Element>().is_some_and(|element| element.matches(except).unwrap_or(false));
                    if !is_excepted {
                        collect(&child, except, texts);
                    }
                }
            }
        }
    }
    let mut texts = Vec::new();
    collect(element, except, &mut texts);
    texts
}

/// Marks these places, and no others, under a name that styles know: ranges of texts, in UTF-16 units.
pub fn highlight(name: &str, places: &[(Text, Range<u32>)]) {
    let ranges = places.iter().filter_map(|(text, place)| {
        let range = document().create_range().ok()?;
        range.set_start(text, place.start).ok()?;
        range.set_end(text, place.end).ok()?;
        Some(range)
    });
    let ranges: Array = ranges.collect();
    // web-sys has this only behind a compiler flag.
    let find = || -> Result<(Map, Function), JsValue> {
        let registry = Reflect::get(&Reflect::get(&window(), &"CSS".into())?, &"highlights".into())?;
        let kind = Reflect::get(&window(), &"Highlight".into())?;
        // It has the functions of a map.
        Ok((registry.unchecked_into(), kind.dyn_into()?))
    };
    if let Ok((registry, kind)) = find()
        && let Ok(highlight) = Reflect::construct(&kind, &ranges)
    {
        registry.set(&name.into(), &highlight);
    }
}
