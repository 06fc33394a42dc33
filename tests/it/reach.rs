//! Who may read a secret: the evaluation against an evaluator that nobody here wrote.

mod oracle;
