//! Types out of JSON.
//!
//! serde's derive makes a reader of several kilobytes for every struct, which in the browser added up to a sixth of the
//! program. So the text is read into one tree, and the fields are taken out of that by name.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// What can be read out of JSON.
pub trait FromJson: Sized {
    /// `None` when it is not that.
    fn from_json(json: &Value) -> Option<Self>;
}

/// The value of a field that must be there.
pub fn need<T: FromJson>(json: &Value, field: &str) -> Option<T> {
    T::from_json(json.get(field)?)
}

/// The value of a field that may be absent, or empty; `None` when it is there and not what it should be.
pub fn maybe<T: FromJson>(json: &Value, field: &str) -> Option<Option<T>> {
    json.get(field).map_or(Some(None), FromJson::from_json)
}

/// Does serde's part for a type that is read as here.
pub fn deserialize<'de, T: FromJson, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    T::from_json(&Value::deserialize(deserializer)?).ok_or_else(|| D::Error::custom("not of this protocol"))
}

impl<T: FromJson> FromJson for Option<T> {
    fn from_json(json: &Value) -> Option<Self> {
        if json.is_null() { Some(None) } else { T::from_json(json).map(Some) }
    }
}

impl<T: FromJson> FromJson for Vec<T> {
    fn from_json(json: &Value) -> Option<Self> {
        json.as_array()?.iter().map(T::from_json).collect()
    }
}

impl FromJson for bool {
    fn from_json(json: &Value) -> Option<Self> {
        json.as_bool()
    }
}

impl FromJson for String {
    fn from_json(json: &Value) -> Option<Self> {
        json.as_str().map(Into::into)
    }
}

impl FromJson for u64 {
    fn from_json(json: &Value) -> Option<Self> {
        json.as_u64()
    }
}

/// Types whose reading is an expression: `read! { Emoji = |json| json.as_str()?.parse().ok() }`.
#[macro_export]
macro_rules! read {
    ($($type:ty = |$json:ident| $read:expr;)*) => {$(
        impl $crate::json::FromJson for $type {
            fn from_json($json: &serde_json::Value) -> Option<Self> {
                $read
            }
        }
    )*};
}

/// Structs that are objects with a field for each of theirs. Behind the semicolon stand those that may be absent; they
/// have their type's default then.
#[macro_export]
macro_rules! read_struct {
    ($($type:ident { $($need:ident),* $(; $($maybe:ident),*)? })*) => {$(
        impl $crate::json::FromJson for $type {
            fn from_json(json: &serde_json::Value) -> Option<Self> {
                Some(Self {
                    $($need: $crate::json::need(json, stringify!($need))?,)*
                    $($($maybe: $crate::json::maybe(json, stringify!($maybe))?.unwrap_or_default(),)*)?
                })
            }
        }
        $crate::json::deserialize_as_read!($type);
    )*};
}

/// serde's `Deserialize` for types that are read as here.
#[macro_export]
macro_rules! deserialize_as_read {
    ($($type:ident),*) => {$(
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::json::deserialize(deserializer)
            }
        }
    )*};
}

/// Enums that are one word out of a closed table. What stands behind `else` is read for every other word.
#[macro_export]
macro_rules! words {
    ($type:ident { $($word:literal = $variant:ident),* $(, else $other:ident = $others:literal)? }) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(match self {
                    $(Self::$variant => $word,)*
                    $(Self::$other => $others,)?
                })
            }
        }
        $crate::json::read! {
            $type = |json| match json.as_str()? {
                $($word => Some(Self::$variant),)*
                _ => $crate::json::words!(@else $(Self::$other)?),
            };
        }
        $crate::json::deserialize_as_read!($type);
    };
    (@else) => { None };
    (@else $other:expr) => { Some($other) };
}

pub use {deserialize_as_read, read, read_struct, words};

read! {
    u16 = |json| json.as_u64()?.try_into().ok();
    u32 = |json| json.as_u64()?.try_into().ok();
    usize = |json| json.as_u64()?.try_into().ok();
}
