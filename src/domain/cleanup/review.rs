//! Reviewing a plan by hand: which line is looked at, what was decided, and what can be taken back.
//!
//! A state that keys change; what it looks like and where keys come from is not its business. Only a decision that is made on
//! the line itself makes a line with a reason for `review` a deletion: what decides over several lines leaves it out.

use std::collections::BTreeMap;

use super::plan::{Decision, Plan, PlanEntry};
use crate::domain::base::money::Money;
use crate::domain::base::names::SecretArn;

/// A key that means something here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReviewKey {
    /// A line up.
    Up,
    /// A line down.
    Down,
    /// So many lines up.
    PageUp(usize),
    /// So many lines down.
    PageDown(usize),
    /// To the first line.
    Home,
    /// To the last line.
    End,
    /// A letter.
    Letter(char),
    /// The last letter of a search goes.
    Backspace,
    /// A search is finished.
    Enter,
    /// A search is taken back.
    Escape,
    /// Out, whatever is not saved.
    Interrupt,
}

/// The step that has to follow a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReviewStep {
    /// The next key.
    Continue,
    /// The decisions have to be written.
    Save,
    /// The end.
    Quit,
}

/// A review that is going on.
#[derive(Clone, Debug)]
pub struct PlanReview {
    plan: Plan,
    /// One value for each line: `true` if it has a reason for `review`.
    doubtful: Vec<bool>,
    /// The decisions of the file.
    saved: Vec<Decision>,
    /// The decisions that each change replaced, the last change at the end.
    undo: Vec<Vec<(usize, Decision)>>,
    /// The index of the current line among the lines that are shown.
    cursor: usize,
    search: String,
    is_searching: bool,
    note: Option<&'static str>,
}

impl PlanReview {
    /// A review of a plan. `is_doubtful` says of a reason's code whether its rule says `review`.
    pub fn new(plan: Plan, is_doubtful: impl Fn(&str) -> bool) -> Self {
        let doubts = |line: &PlanEntry| line.reasons.iter().any(|code| is_doubtful(code));
        Self {
            doubtful: plan.lines.iter().map(doubts).collect(),
            saved: plan.lines.iter().map(|line| line.decision).collect(),
            plan,
            undo: Vec::new(),
            cursor: 0,
            search: String::new(),
            is_searching: false,
            note: None,
        }
    }

    /// The lines that the search lets through, each with its index in the plan.
    pub fn shown(&self) -> Vec<(usize, &PlanEntry)> {
        let wanted = self.search.to_lowercase();
        let fits = |line: &PlanEntry| {
            let decision = line.decision.as_str();
            let text = format!("{decision} {} {}", line.arn, line.reasons.join(" "));
            text.to_lowercase().contains(&wanted)
        };
        let lines = self.plan.lines.iter().enumerate();
        lines
            .filter(|(_, line)| wanted.is_empty() || fits(line))
            .collect()
    }

    /// The index of the cursor among the shown lines.
    pub fn cursor(&self) -> usize {
        self.cursor
    }

    /// Returns what is searched for, and whether letters still go there.
    pub fn search(&self) -> (&str, bool) {
        (&self.search, self.is_searching)
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Returns whether a line has a reason for `review`.
    pub fn is_doubtful(&self, index: usize) -> bool {
        self.doubtful.get(index).copied().unwrap_or(true)
    }

    /// A sentence about the last key.
    pub fn note(&self) -> Option<&'static str> {
        self.note
    }

    /// Returns how many lines are to be deleted, and what of that is known they save.
    pub fn to_delete(&self) -> (usize, Money) {
        let lines = || {
            self.plan
                .lines
                .iter()
                .filter(|line| line.decision == Decision::Delete)
        };
        (lines().count(), lines().filter_map(|line| line.saves).sum())
    }

    /// Returns whether there are decisions that the file does not have.
    pub fn is_changed(&self) -> bool {
        let now = self.plan.lines.iter().map(|line| line.decision);
        !now.eq(self.saved.iter().copied())
    }

    /// The decision on each line.
    pub fn decisions(&self) -> BTreeMap<SecretArn, Decision> {
        let lines = self.plan.lines.iter();
        lines
            .map(|line| (line.arn.clone(), line.decision))
            .collect()
    }

    /// Notes that the decisions are in the file now.
    pub fn is_saved(&mut self) {
        self.saved = self.plan.lines.iter().map(|line| line.decision).collect();
        self.note = Some("saved");
    }

    /// Takes a key.
    pub fn press(&mut self, key: ReviewKey) -> ReviewStep {
        let asked_to_quit = self.note == Some(UNSAVED);
        self.note = None;
        let last = self.shown().len().saturating_sub(1);
        match key {
            ReviewKey::Interrupt => return ReviewStep::Quit,
            ReviewKey::Up => self.cursor = self.cursor.saturating_sub(1),
            ReviewKey::Down => self.cursor = (self.cursor + 1).min(last),
            ReviewKey::PageUp(lines) => self.cursor = self.cursor.saturating_sub(lines),
            ReviewKey::PageDown(lines) => self.cursor = (self.cursor + lines).min(last),
            ReviewKey::Home => self.cursor = 0,
            ReviewKey::End => self.cursor = last,
            ReviewKey::Enter => self.is_searching = false,
            ReviewKey::Escape => self.search_for(String::clear, false),
            ReviewKey::Backspace if self.is_searching => {
                self.search_for(
                    |search| {
                        search.pop();
                    },
                    true,
                );
            }
            ReviewKey::Backspace => {}
            ReviewKey::Letter(letter) if self.is_searching => {
                self.search_for(|search| search.push(letter), true);
            }
            ReviewKey::Letter(letter) => return self.command(letter, asked_to_quit),
        }
        ReviewStep::Continue
    }

    fn command(&mut self, letter: char, asked_to_quit: bool) -> ReviewStep {
        match letter {
            'd' => self.decide(Decision::Delete),
            'k' => self.decide(Decision::Keep),
            ' ' => match self.here().map(|index| self.plan.lines[index].decision) {
                Some(Decision::Delete) => self.decide(Decision::Keep),
                Some(Decision::Keep) => self.decide(Decision::Delete),
                None => {}
            },
            'D' => self.decide_all(Decision::Delete),
            'K' => self.decide_all(Decision::Keep),
            'u' => self.undo(),
            '/' => self.is_searching = true,
            's' => return ReviewStep::Save,
            'q' if asked_to_quit || !self.is_changed() => return ReviewStep::Quit,
            'q' => self.note = Some(UNSAVED),
            _ => {}
        }
        ReviewStep::Continue
    }

    /// The index in the plan of the line under the cursor.
    fn here(&self) -> Option<usize> {
        self.shown().get(self.cursor).map(|(index, _)| *index)
    }

    fn decide(&mut self, decision: Decision) {
        if let Some(index) = self.here() {
            self.change(&[index], decision);
            // Decisions are searched for, too, so that the line may be gone from the list.
            let last = self.shown().len().saturating_sub(1);
            let is_still_here = self.here() == Some(index);
            self.cursor = (self.cursor + usize::from(is_still_here)).min(last);
        }
    }

    /// Decides on all shown lines; deleting leaves out those that a person has to look at.
    fn decide_all(&mut self, decision: Decision) {
        let indexes = self.shown().into_iter().map(|(index, _)| index);
        let sure = |index: &usize| decision == Decision::Keep || !self.is_doubtful(*index);
        let (sure, left): (Vec<usize>, Vec<usize>) = indexes.partition(sure);
        self.change(&sure, decision);
        if !left.is_empty() {
            self.note =
                Some("lines marked `review` were left as they are: decide on each with `d`");
        }
        self.cursor = self.cursor.min(self.shown().len().saturating_sub(1));
    }

    fn change(&mut self, indexes: &[usize], decision: Decision) {
        let mut before = Vec::new();
        for &index in indexes {
            let line = &mut self.plan.lines[index];
            if line.decision != decision {
                before.push((index, line.decision));
                line.decision = decision;
            }
        }
        if !before.is_empty() {
            self.undo.push(before);
        }
    }

    fn undo(&mut self) {
        let Some(before) = self.undo.pop() else {
            self.note = Some("there is nothing to undo");
            return;
        };
        let first = before.first().map(|(index, _)| *index);
        for (index, decision) in before {
            self.plan.lines[index].decision = decision;
        }
        // To the line that changed, if it is shown.
        let shown = self.shown();
        let position = shown.iter().position(|(index, _)| Some(*index) == first);
        let last = shown.len().saturating_sub(1);
        self.cursor = position.unwrap_or(self.cursor).min(last);
    }

    fn search_for(&mut self, change: impl FnOnce(&mut String), is_searching: bool) {
        let here = self.here();
        change(&mut self.search);
        self.is_searching = is_searching;
        // The line under the cursor stays there while it is shown.
        let position = self
            .shown()
            .iter()
            .position(|(index, _)| Some(*index) == here);
        self.cursor = position.unwrap_or(0);
    }
}

/// The message that is shown before decisions are lost.
const UNSAVED: &str = "not saved: `s` saves, `q` again leaves without saving";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::cleanup::plan::tests::{everything, report, row};
    use crate::domain::cleanup::plan::{PlanSelection, VerdictScope, draft};
    use crate::domain::report::verdict::Verdict;

    /// Four lines; the second one, `b`, has to be looked at by a person.
    fn review() -> PlanReview {
        let of = |name: &str, verdict: Verdict, code: &str| {
            let mut row = row(name);
            row.verdict = verdict;
            row.reasons[0].code = code.into();
            row
        };
        let rows = vec![
            of("a", Verdict::Delete, "idle"),
            of("b", Verdict::Review, "coverage-gap"),
            of("c", Verdict::Delete, "never-read"),
            of("x/a", Verdict::Delete, "idle"),
        ];
        let all = PlanSelection {
            reach: VerdictScope::DeleteAndReview,
            ..everything()
        };
        PlanReview::new(draft(&report(rows), &all).plan, |code| {
            code == "coverage-gap"
        })
    }

    /// The decisions after these keys, a letter each: `D` deletes, `k` keeps.
    fn decided(review: &PlanReview) -> String {
        let lines = review.plan().lines.iter();
        lines
            .map(|line| {
                if line.decision == Decision::Delete {
                    'D'
                } else {
                    'k'
                }
            })
            .collect()
    }

    fn type_in(review: &mut PlanReview, keys: &str) -> ReviewStep {
        let mut step = ReviewStep::Continue;
        for key in keys.chars() {
            step = review.press(match key {
                '↑' => ReviewKey::Up,
                '↓' => ReviewKey::Down,
                '⏎' => ReviewKey::Enter,
                '⎋' => ReviewKey::Escape,
                '⌫' => ReviewKey::Backspace,
                letter => ReviewKey::Letter(letter),
            });
        }
        step
    }

    #[test]
    fn keys_decide_on_the_line_under_the_cursor_and_go_on_to_the_next() {
        for (keys, expect) in [
            ("", "DDDD"),
            ("k", "kDDD"),
            ("kk", "kkDD"),
            ("↓↓k", "DDkD"),
            ("k↑d", "DDDD"),
            (" ", "kDDD"),
            (" ↑ ", "DDDD"),
            ("↑↑k", "kDDD"),
            ("↓↓↓↓↓k", "DDDk"),
            ("kku", "kDDD"),
            ("kkuu", "DDDD"),
            ("kkuuu", "DDDD"),
            ("K", "kkkk"),
            ("Ku", "DDDD"),
        ] {
            let mut review = review();
            type_in(&mut review, keys);
            assert_eq!(decided(&review), expect, "{keys}");
            assert_eq!(review.is_changed(), expect != "DDDD", "{keys}");
        }
    }

    #[test]
    fn only_its_own_line_makes_what_needs_review_a_deletion() {
        let mut review = review();
        type_in(&mut review, "KD");
        assert_eq!(decided(&review), "DkDD");
        assert!(review.note().unwrap().contains("review"));
        type_in(&mut review, "/coverage⏎d");
        assert_eq!(decided(&review), "DDDD");
    }

    #[test]
    fn a_search_narrows_what_is_shown_and_decided() {
        let mut review = review();
        type_in(&mut review, "/never");
        assert_eq!(review.shown().len(), 1);
        type_in(&mut review, "⏎K");
        assert_eq!(decided(&review), "DDkD");
        // Letters of a search decide nothing.
        type_in(&mut review, "⎋/kkd");
        assert_eq!(decided(&review), "DDkD");
        assert!(review.shown().is_empty());
        type_in(&mut review, "⏎kd u");
        assert_eq!(decided(&review), "DDDD", "undo works without a line");
        type_in(&mut review, "/⌫⌫⌫");
        assert_eq!(review.shown().len(), 4);
    }

    #[test]
    fn what_is_not_saved_is_not_lost_by_one_key() {
        let mut review = review();
        assert_eq!(type_in(&mut review, "q"), ReviewStep::Quit);
        assert_eq!(type_in(&mut review, "kq"), ReviewStep::Continue);
        assert_eq!(review.note(), Some(UNSAVED));
        assert_eq!(type_in(&mut review, "k"), ReviewStep::Continue);
        assert_eq!(
            type_in(&mut review, "q"),
            ReviewStep::Continue,
            "asked anew"
        );
        assert_eq!(type_in(&mut review, "q"), ReviewStep::Quit);
        assert_eq!(type_in(&mut review, "s"), ReviewStep::Save);
        review.is_saved();
        assert_eq!(type_in(&mut review, "q"), ReviewStep::Quit);
        assert_eq!(review.press(ReviewKey::Interrupt), ReviewStep::Quit);
    }
}
