//! `--bill`: the estimate beside what AWS billed.

use std::io::Write as _;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};

use super::interrupt::InterruptWatch;
use super::progress::ProgressReporter;
use super::scan_plan::ScanPlan;
use super::way_out::helpful;
use super::{Misuse, session};
use crate::Exit;
use crate::aws::AwsSession;
use crate::aws::bucket::copy::CopyRequest;
use crate::aws::bucket::{self, Location, PayerOfRequests};
use crate::aws::cost_explorer;
use crate::cli::{BillSource, PriceSource, View};
use crate::domain::base::money::{counted, thousands};
use crate::domain::base::span::Span;
use crate::domain::pricing::bill::paid::paid_prices;
use crate::domain::pricing::bill::{Bill, Reconciliation};
use crate::files::bill;
use crate::files::bill::copy::{BillCopy, BillPart, may_hold};
use crate::ports::{Fault, FolderSink as _};
use crate::report::{RenderContent, reconciliation};
use crate::term::Term;

/// The most bytes of a bill that are copied from a bucket: a month of a large organization has a few GB.
const MOST_COPIED: u64 = 20_000_000_000;

/// The most requests to Cost Explorer if nothing is said: $0.20.
const MOST_REQUESTS: u16 = 20;

/// The settings by which a bill in a bucket is reached.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct BillAccess<'a> {
    /// The profile of the settings of AWS.
    pub(super) profile: Option<&'a str>,
    /// `true` if the requester pays for the requests to a bucket.
    pub(super) request_payer: bool,
}

/// Reads the bill that the view names, for a window; `None` if it names none. What lies in buckets is copied first.
pub(super) fn read(
    view: &View,
    window: Span,
    access: BillAccess<'_>,
    term: &Term,
) -> Result<Option<Bill>> {
    if view.bill.is_empty() {
        return Ok(None);
    }
    let (mut paths, mut buckets) = (Vec::new(), Vec::new());
    let mut most_requests = None;
    for source in &view.bill {
        match source {
            BillSource::Files(path) => paths.push(path.clone()),
            BillSource::Bucket(location) => {
                let location: Location =
                    location.parse().map_err(|error: String| anyhow!(error))?;
                buckets.push(location);
            }
            BillSource::CostExplorer => {
                most_requests = Some(view.bill_requests.unwrap_or(MOST_REQUESTS));
            }
        }
    }
    let live = LiveBill {
        buckets,
        most_requests,
    };
    // The copy lives until it is read, and Ctrl-C removes it.
    let copy = if live.is_asked_for() {
        let copy = BillCopy::new().context("cannot make a temporary folder for the bill")?;
        let interrupts = InterruptWatch::copying(copy.path(), term)?;
        live.copy(&copy, window, access, term)?;
        paths.push(copy.path().to_owned());
        Some((copy, interrupts))
    } else {
        None
    };
    let bill = bill::read(&paths, window)?;
    drop(copy);
    Ok(Some(bill))
}

/// The sources of a bill that AWS is asked for.
struct LiveBill {
    buckets: Vec<Location>,
    /// The most requests to Cost Explorer, if it is asked.
    most_requests: Option<u16>,
}

impl LiveBill {
    fn is_asked_for(&self) -> bool {
        !self.buckets.is_empty() || self.most_requests.is_some()
    }

    /// Copies what lies in buckets, as far as it may be about the window, and what Cost Explorer answers about it.
    fn copy(
        &self,
        copy: &BillCopy,
        window: Span,
        access: BillAccess<'_>,
        term: &Term,
    ) -> Result<()> {
        if let Some(most) = self.most_requests {
            term.say(&format!(
                "asking Cost Explorer for the bill: at most {}, $0.01 each",
                counted(u64::from(most), "request", "requests")
            ));
        }
        let runtime = session::runtime()?;
        let opening = session::open(session::connect(access.profile, None, None));
        let session = runtime.block_on(opening)?;
        for (number, location) in self.buckets.iter().enumerate() {
            let part = copy.part(number);
            let copying = of_bucket(&session, location, &part, window, access, term);
            runtime.block_on(copying)?;
        }
        if let Some(most) = self.most_requests {
            let part = copy.part(self.buckets.len());
            runtime.block_on(of_cost_explorer(&session, window, most, &part, term))?;
        }
        Ok(())
    }
}

async fn of_bucket(
    session: &AwsSession,
    location: &Location,
    part: &BillPart,
    window: Span,
    access: BillAccess<'_>,
    term: &Term,
) -> Result<()> {
    let progress = ProgressReporter::new(term, Duration::ZERO);
    let ask = CopyRequest {
        payer: PayerOfRequests::requester_if(access.request_payer),
        wanted: &|key| may_hold(&format!("{}{key}", location.prefix), window),
        most: MOST_COPIED,
    };
    let (files, bytes) = bucket::copy::copy(session, location, &ask, part, &progress).await?;
    progress.finish();
    term.say(&format!(
        "{} ({} KB) of the bill were copied from {location}",
        counted(files, "file", "files"),
        thousands(bytes.div_ceil(1_000))
    ));
    Ok(())
}

/// Returns what Cost Explorer answers about the window.
async fn of_cost_explorer(
    session: &AwsSession,
    window: Span,
    most: u16,
    part: &BillPart,
    term: &Term,
) -> Result<()> {
    let asking = cost_explorer::pages(session, window, usize::from(most)).await;
    let pages = asking.map_err(|fault| {
        let is_bound = matches!(&fault, Fault::Refused { code, .. } if code == "TooManyPages");
        let what = format!("cannot read the bill from Cost Explorer: {fault}");
        if is_bound {
            helpful(what, "allow more requests with `--bill-requests`")
        } else {
            anyhow!(what)
        }
    })?;
    let made = session.calls().get("ce:GetCostAndUsage").copied();
    term.say(&format!(
        "Cost Explorer was asked in {}",
        counted(made.unwrap_or_default(), "request", "requests")
    ));
    let written = part.create("cost-explorer.json").and_then(|mut out| {
        serde_json::to_writer(&mut out, &pages)?;
        out.flush()
    });
    written.context("cannot store the answer of Cost Explorer")
}

/// Puts the prices that were paid by a bill into the policy, if they are asked for. Gives the sentences about them.
pub(super) fn pay(
    plan: &mut ScanPlan,
    prices: Option<&PriceSource>,
    bill: Option<&Bill>,
) -> Result<Vec<String>> {
    if prices != Some(&PriceSource::Bill) {
        return Ok(Vec::new());
    }
    let Some(bill) = bill else {
        let why = "`--prices from-bill` takes the prices of a bill, and none is named";
        return Err(Misuse::new(why, "name one with `--bill`").into());
    };
    let paid = paid_prices(bill, &plan.policy.prices)
        .map_err(|why| anyhow!("cannot use `--prices from-bill`: {why}"))?;
    plan.policy.pay(paid.rows);
    Ok(paid.notes)
}

/// Returns how it ends that a scan ends so, and was compared with this bill: what cannot be read of a bill is missing
/// as well.
pub(super) fn exit(exit: Exit, bill: Option<&Reconciliation>) -> Exit {
    match exit {
        Exit::Done if bill.is_some_and(|bill| bill.unreadable_lines > 0) => Exit::Partial,
        other => other,
    }
}

/// The files of a comparison with the bill.
pub(super) fn files(found: &Reconciliation) -> [(&'static str, RenderContent<'_>); 2] {
    [
        (
            "bill.json",
            Box::new(|out| out.write_all(&reconciliation::json(found))),
        ),
        (
            "bill.csv",
            Box::new(|out| out.write_all(&reconciliation::csv(found))),
        ),
    ]
}
