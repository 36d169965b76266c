//! API keys: what they are for.

use std::collections::BTreeSet;
use std::fmt;

use runtree_core::Moment;
use serde_json::{Value, json};
use uuid::Uuid;

use super::StoreError;
use crate::access::Access;
use crate::http::keys::hash;

/// How keys begin, so that they are found in texts where they should not be.
const BEGIN: &str = "rt_";
/// Characters of a key by which it is told.
const PREFIX: usize = 10;
/// Bytes of a key's name.
const NAME: usize = 200;

/// What a key allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rights {
    /// To read.
    Read,
    /// To write; not to read.
    Write,
    /// To read and to write.
    ReadWrite,
    /// Everything: also projects, keys and retention.
    Manage,
}

impl Rights {
    /// As it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::ReadWrite => "read-write",
            Self::Manage => "manage",
        }
    }

    /// What is stored, read.
    pub fn named(word: &str) -> Option<Self> {
        [Self::Read, Self::Write, Self::ReadWrite, Self::Manage].into_iter().find(|rights| rights.as_str() == word)
    }
}

/// A key as it is listed. The key itself is shown once, when it is made.
#[derive(Clone, Debug, PartialEq)]
pub struct Key {
    /// Its id.
    pub id: Uuid,
    /// What it is called.
    pub name: String,
    /// Its first characters, to tell it by.
    pub prefix: String,
    /// When it was made.
    pub created: Option<Moment>,
    /// The only projects it is for; all if none are named.
    pub projects: Option<BTreeSet<Uuid>>,
    /// What it allows.
    pub rights: Rights,
}

impl Key {
    /// What whoever has it may see and do.
    pub fn access(&self) -> Access {
        Access {
            writes: self.rights != Rights::Read,
            reads: self.rights != Rights::Write,
            manages: self.rights == Rights::Manage,
            projects: self.projects.clone(),
        }
    }
    /// As it is listed in JSON.
    pub fn to_json(&self) -> Value {
        json!({
            "id": self.id,
            "name": self.name,
            "prefix": self.prefix,
            "created_at": self.created.map(|created| created.to_string()),
            "projects": self.projects,
            "rights": self.rights.as_str(),
        })
    }
}

/// A key that was just made, and is not stored yet.
#[derive(Clone)]
pub struct NewKey {
    /// As it is listed.
    pub key: Key,
    /// What is stored of it.
    pub hash: [u8; 32],
    /// The key itself, for whoever asked for it and for nobody else.
    pub text: String,
}

impl NewKey {
    /// Makes one, of 244 random bits.
    ///
    /// # Errors
    ///
    /// [`StoreError::Invalid`] if the name is none.
    pub fn generate(
        name: impl Into<String>,
        projects: Option<BTreeSet<Uuid>>,
        rights: Rights,
    ) -> Result<Self, StoreError> {
        let name = name.into();
        if name.trim().is_empty() || name.len() > NAME {
            return Err(StoreError::Invalid(format!("a key has a name of at most {NAME} bytes")));
        }
        let text = format!("{BEGIN}{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        let (id, prefix) = (Uuid::now_v7(), text[..PREFIX].to_owned());
        let key = Key { id, name, prefix, created: None, projects, rights };
        Ok(Self { key, hash: hash(&text), text })
    }

    /// As it is answered this once: with the key itself.
    pub fn to_json(&self) -> Value {
        let mut answer = self.key.to_json();
        if let Some(answer) = answer.as_object_mut() {
            answer.insert("key".to_owned(), self.text.clone().into());
        }
        answer
    }
}

/// Does not show the key.
impl fmt::Debug for NewKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewKey").field("key", &self.key).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_key_is_told_by_its_beginning_and_never_shown_by_mistake() {
        let made = NewKey::generate("ci", None, Rights::Write).unwrap();
        assert!(made.text.starts_with(&made.key.prefix) && made.text.starts_with("rt_") && made.text.len() == 67);
        assert_eq!(made.hash, hash(&made.text));
        assert!(!format!("{made:?}").contains(&made.text));
        assert_eq!((made.to_json()["key"].as_str(), made.key.to_json().get("key")), (Some(&made.text[..]), None));
        for name in [" ".to_owned(), "n".repeat(201)] {
            assert!(NewKey::generate(name, None, Rights::Read).is_err());
        }
    }
}
