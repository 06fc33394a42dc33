//! Who may read a secret: the evaluation against an evaluator that nobody here wrote, and what the program makes of it.

mod oracle;
mod program;
