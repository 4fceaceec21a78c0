//! Fractions, of which settings have numerator and denominator.

use crate::settings::error::SettingsError;
use crate::settings::node::Node;

/// A fraction of two whole numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ratio {
    /// The numerator.
    pub(crate) num: u32,
    /// The denominator, never 0.
    pub(crate) den: u32,
}

const MAX_INT: u32 = i32::MAX as u32;

pub(super) fn ratio(node: &Node<'_>, num: &str, den: &str) -> Result<Option<Ratio>, SettingsError> {
    let (num, den) = (node.unsigned(num, 1..=MAX_INT)?, node.unsigned(den, 1..=MAX_INT)?);
    Ok(num.zip(den).map(|(num, den)| Ratio { num, den }))
}
