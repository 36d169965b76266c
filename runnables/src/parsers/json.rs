//! JSON in an answer.

use std::fmt;
use std::marker::PhantomData;

use async_stream::try_stream;
use futures::TryStreamExt;
use runtree_core::shape::{Shape, titled};
use runtree_core::{Chunks, Json, Payload, Result, RunType, Runnable, RunnableConfig};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{OutputParserError, find_json};
use crate::messages::{AiMessage, ToText};
use crate::sequence::pipe_operator;

const DOING: &str = "parsing the model's answer as json";

/// Takes the JSON out of an answer: all of it, or what stands in a fenced block or between other text.
///
/// As the answer streams, it gives ever more complete values, each only if something changed; the newest stands for
/// the whole. [`typed`](Self::typed) reads the whole answer as a type of your own.
///
/// ```
/// use runtree_core::{Result, Runnable, RunnableConfig};
/// use runtree_runnables::parsers::JsonOutputParser;
///
/// #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
/// struct Recipe { eggs: u32 }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// let config = &RunnableConfig::root();
/// let answer = "Here you are:\n```json\n{\"eggs\": 2}\n```".to_owned();
///
/// let value = JsonOutputParser::new().invoke(answer.clone(), config).await?;
/// assert_eq!(value["eggs"], 2);
///
/// let recipe = JsonOutputParser::typed::<Recipe>().invoke(answer, config).await?;
/// assert_eq!(recipe.eggs, 2);
/// # Ok(()) }
/// ```
///
/// An answer that ends in the middle of its JSON, or has none, is an error of kind
/// [`Parse`](runtree_core::ErrorKind::Parse) with the text in an [`OutputParserError`]. A stream ends with that
/// error, after the values it could give.
pub struct JsonOutputParser<I = AiMessage, T = Value> {
    /// How a value that is not complete is shown; typed values are not.
    show: Option<fn(Value) -> T>,
    takes: PhantomData<fn(I)>,
}

impl<I: ToText> JsonOutputParser<I> {
    /// A parser of any JSON.
    pub fn new() -> Self {
        Self { show: Some(std::convert::identity), takes: PhantomData }
    }

    /// A parser of one type, given as one chunk once the answer is complete.
    #[doc(alias = "PydanticOutputParser")]
    pub fn typed<T>() -> JsonOutputParser<I, T>
    where
        T: Serialize + DeserializeOwned + Clone + Send + Sync + 'static,
    {
        JsonOutputParser { show: None, takes: PhantomData }
    }
}

impl<I, T: DeserializeOwned> JsonOutputParser<I, T> {
    fn read(text: &str, value: Value) -> Result<T> {
        serde_path_to_error::deserialize(value).map_err(|error| {
            let (path, reason) = (error.path().to_string(), error.inner());
            let reason = if path == "." { reason.to_string() } else { format!("at `{path}`: {reason}") };
            OutputParserError::new(reason, text).while_doing(DOING)
        })
    }

    fn parse(text: &str) -> Result<T> {
        let value = find_json::whole(text).map_err(|error| error.while_doing(DOING))?;
        Self::read(text, value)
    }
}

impl<I: ToText, T> Runnable for JsonOutputParser<I, T>
where
    T: Serialize + DeserializeOwned + Clone + Send + Sync + 'static,
{
    type Input = I;
    type Output = Json<T>;

    fn run_type(&self) -> RunType {
        RunType::Parser
    }

    fn shape(&self) -> Shape {
        Shape::step(self).output(titled(Json::<T>::json_schema(), "JsonOutputParserOutput"))
    }

    async fn call(&self, input: I, _config: &RunnableConfig) -> Result<Json<T>> {
        Self::parse(&input.to_text()).map(Json)
    }

    fn call_stream<'a>(&'a self, mut input: Chunks<'a, I>, _config: RunnableConfig) -> Chunks<'a, Json<T>> {
        Box::pin(try_stream! {
            let (mut text, mut start, mut shown, mut any) = (String::new(), None, None, false);
            while let Some(chunk) = input.try_next().await? {
                any = true;
                text.push_str(&chunk.to_text());
                let Some(show) = self.show else { continue };
                let Some((at, value)) = find_json::so_far(&text, start) else { continue };
                start = Some(at);
                if shown.as_ref() != Some(&value) {
                    shown = Some(value.clone());
                    yield Json(show(value));
                }
            }
            if any {
                let value = find_json::whole(&text).map_err(|error| error.while_doing(DOING))?;
                if shown.as_ref() != Some(&value) {
                    yield Json(Self::read(&text, value)?);
                }
            }
        })
    }
}

impl<I, T> Clone for JsonOutputParser<I, T> {
    fn clone(&self) -> Self {
        Self { show: self.show, takes: PhantomData }
    }
}

impl<I: ToText> Default for JsonOutputParser<I> {
    fn default() -> Self {
        Self::new()
    }
}

impl<I, T> fmt::Debug for JsonOutputParser<I, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JsonOutputParser")
    }
}

pipe_operator! {
    [I, T,] JsonOutputParser<I, T>;
}
