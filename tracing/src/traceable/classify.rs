//! Tells results from other outputs, where the compiler knows the type.

use std::convert::Infallible;
use std::marker::PhantomData;

use runtree_core::Error;

/// An output, to be told apart: a `Result` is a success or an error, anything else a success.
///
/// The macro calls `(&&Ends(&output)).split()`: of the two traits below, the compiler takes the first that fits.
#[derive(Debug)]
pub struct Ends<'o, T>(pub &'o T);

/// For results.
pub trait SplitResult<'o> {
    /// What it gave.
    type Output;
    /// Why it failed.
    type Error;
    /// Output or error.
    fn split(&self) -> Result<&'o Self::Output, &'o Self::Error>;
}

impl<'o, T, E> SplitResult<'o> for &Ends<'o, Result<T, E>> {
    type Output = T;
    type Error = E;
    fn split(&self) -> Result<&'o T, &'o E> {
        self.0.as_ref()
    }
}

/// For anything else.
pub trait SplitPlain<'o> {
    /// What it gave.
    type Output;
    /// The output.
    fn split(&self) -> Result<&'o Self::Output, &'o Infallible>;
}

impl<'o, T> SplitPlain<'o> for Ends<'o, T> {
    type Output = T;
    fn split(&self) -> Result<&'o T, &'o Infallible> {
        Ok(self.0)
    }
}

/// Whether a body whose output is a `T` can be stopped from outside: only if an [`Error`] can be made into one.
#[derive(Debug)]
pub struct Stops<T>(PhantomData<fn() -> T>);

impl<T> Stops<T> {
    /// The question.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        Self(PhantomData)
    }
}

/// It can.
pub trait StopsWithError {
    /// What stands for the output.
    type Output;
    /// How the error becomes one.
    fn stop(&self) -> Option<fn(Error) -> Self::Output>;
}

impl<T, E: From<Error>> StopsWithError for &Stops<Result<T, E>> {
    type Output = Result<T, E>;
    fn stop(&self) -> Option<fn(Error) -> Result<T, E>> {
        Some(|error| Err(E::from(error)))
    }
}

/// It cannot.
pub trait StopsNever {
    /// What the body gives.
    type Output;
    /// There is no way.
    fn stop(&self) -> Option<fn(Error) -> Self::Output>;
}

impl<T> StopsNever for Stops<T> {
    type Output = T;
    fn stop(&self) -> Option<fn(Error) -> T> {
        None
    }
}
