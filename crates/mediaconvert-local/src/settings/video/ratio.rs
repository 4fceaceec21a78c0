//! Fractions, of which settings have numerator and denominator.

use crate::settings::node::Node;

/// A fraction of two whole numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ratio {
    /// The numerator.
    pub(crate) num: u32,
    /// The denominator, never 0.
    pub(crate) den: u32,
}

pub(super) fn ratio(node: &Node<'_>, num: &str, den: &str) -> Option<Ratio> {
    let (num, den) = (node.unsigned(num)?, node.unsigned(den)?);
    Some(Ratio { num, den })
}
