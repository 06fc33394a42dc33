//! Charges as CSV and JSON: Cost and Usage Reports, FOCUS, Data Exports in folders, Cost Explorer and the console.

use std::collections::BTreeMap;
use std::io::Write as _;

use serde_json::{Value, json};

use super::{BillForm, Carries, Charge, decimal, midnight};
use crate::world::*;

/// A table with every cell in quotes, as the console writes it.
fn csv<'a>(columns: &[&str], rows: impl Iterator<Item = Vec<String>> + 'a) -> String {
    let line = |cells: Vec<String>| {
        let quoted = cells
            .iter()
            .map(|cell| format!("\"{}\"", cell.replace('"', "\"\"")));
        quoted.collect::<Vec<_>>().join(",")
    };
    let header = columns.iter().map(|&name| name.to_owned()).collect();
    let mut lines = vec![line(header)];
    lines.extend(rows.map(line));
    lines.join("\n") + "\n"
}

/// CUR 2.0, its attributes of the product in one column, and no other column for the Region.
pub fn cur2(charges: &[Charge]) -> String {
    let columns = [
        "bill_payer_account_id",
        "line_item_usage_account_id",
        "line_item_line_item_type",
        "line_item_usage_start_date",
        "line_item_usage_end_date",
        "line_item_product_code",
        "line_item_usage_type",
        "line_item_resource_id",
        "line_item_usage_amount",
        "line_item_currency_code",
        "line_item_unblended_cost",
        "product",
        "resource_tags",
    ];
    let row = |charge: &Charge| {
        vec![
            "999988887777".to_owned(),
            charge.account.to_owned(),
            charge.kind.to_owned(),
            time(midnight(charge.day)).replace('Z', ".000Z"),
            time(midnight(charge.day + 1)).replace('Z', ".000Z"),
            charge.product.to_owned(),
            charge.usage_type.to_owned(),
            charge.secret.clone().unwrap_or_default(),
            decimal(charge.quantity),
            "USD".to_owned(),
            decimal(charge.usd),
            json!({"region": charge.region, "servicecode": charge.product}).to_string(),
            json!({"user_owner": "a,\"b\""}).to_string(),
        ]
    };
    csv(&columns, charges.iter().map(row))
}

/// A legacy Cost and Usage Report with a column for each tag.
fn legacy(charges: &[Charge]) -> String {
    let columns = [
        "identity/LineItemId",
        "bill/PayerAccountId",
        "lineItem/UsageAccountId",
        "lineItem/LineItemType",
        "lineItem/UsageStartDate",
        "lineItem/UsageEndDate",
        "lineItem/ProductCode",
        "lineItem/UsageType",
        "lineItem/ResourceId",
        "lineItem/UsageAmount",
        "lineItem/CurrencyCode",
        "lineItem/UnblendedCost",
        "product/region",
        "resourceTags/user:owner",
        "resourceTags/user:unblended_cost",
    ];
    let row = |charge: &Charge| {
        vec![
            "abc".to_owned(),
            "999988887777".to_owned(),
            charge.account.to_owned(),
            charge.kind.to_owned(),
            time(midnight(charge.day)),
            time(midnight(charge.day + 1)),
            charge.product.to_owned(),
            charge.usage_type.to_owned(),
            charge.secret.clone().unwrap_or_default(),
            decimal(charge.quantity),
            "USD".to_owned(),
            decimal(charge.usd),
            charge.region.to_owned(),
            "payments, \"core\"".to_owned(),
            "77".to_owned(),
        ]
    };
    csv(&columns, charges.iter().map(row))
}

/// FOCUS in a version: 1.3 names the provider in other columns, and AWS adds its usage type to its own exports alone.
fn focus(charges: &[Charge], version: &str, of_aws: bool) -> String {
    let mut columns = vec![
        "BilledCost",
        "BillingAccountId",
        "BillingCurrency",
        "ChargeCategory",
        "ChargePeriodStart",
        "ChargePeriodEnd",
        "PricingQuantity",
        "PricingUnit",
        "RegionId",
        "ResourceId",
        "ServiceName",
        "SubAccountId",
        "Tags",
    ];
    columns.extend(match version {
        "1.0" => vec!["ProviderName", "PublisherName"],
        "1.1" | "1.2" => vec!["ProviderName", "PublisherName", "ServiceSubcategory"],
        _ => vec![
            "ServiceProviderName",
            "HostProviderName",
            "ServiceSubcategory",
        ],
    });
    if of_aws {
        columns.push("x_UsageType");
    }
    let width = columns.len();
    let row = |charge: &Charge| {
        let mut row = vec![
            decimal(charge.usd),
            "999988887777".to_owned(),
            "USD".to_owned(),
            charge.kind.to_owned(),
            time(midnight(charge.day)),
            time(midnight(charge.day + 1)),
            decimal(charge.quantity),
            charge.unit.to_owned(),
            charge.region.to_owned(),
            charge.secret.clone().unwrap_or_default(),
            charge.service.to_owned(),
            charge.account.to_owned(),
            json!({"owner": "a"}).to_string(),
        ];
        row.resize(
            width - usize::from(of_aws),
            "Amazon Web Services".to_owned(),
        );
        row.extend(of_aws.then(|| charge.usage_type.to_owned()));
        row
    };
    csv(&columns, charges.iter().map(row))
}

/// A ZIP archive of files.
fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let mut writer = zip::ZipWriter::new(&mut bytes);
    for (name, content) in files {
        let options = zip::write::SimpleFileOptions::default();
        writer.start_file(*name, options).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap();
    bytes.into_inner()
}

/// The folder of an export, the charges in three parts. `execution`: each delivery keeps its own folder; an older one lies
/// beside it.
fn export(charges: &[Charge], execution: Option<&str>) -> BillForm {
    let data = "cur/october/data/BILLING_PERIOD=2026-10";
    let folder = execution.map_or_else(|| data.to_owned(), |name| format!("{data}/{name}"));
    let part = |number: usize| format!("{folder}/october-{number:05}.csv.gz");
    let size = charges.len().div_ceil(3);
    let mut files: Vec<(String, Vec<u8>)> = charges
        .chunks(size)
        .enumerate()
        .map(|(number, some)| (part(number), gzip(cur2(some).as_bytes())))
        .collect();
    let named: Vec<String> = files
        .iter()
        .map(|(path, _)| format!("s3://bucket/{path}"))
        .collect();
    let manifest = json!({"exportName": "october", "dataFiles": named}).to_string();
    let place = "cur/october/metadata/BILLING_PERIOD=2026-10/october-Manifest.json";
    files.push((place.to_owned(), manifest.into_bytes()));
    if execution.is_some() {
        let old = format!("{data}/20261015T000000Z-old/october-00000.csv.gz");
        files.push((old, gzip(cur2(charges).as_bytes())));
    }
    BillForm {
        name: format!("Data Exports, {}", execution.unwrap_or("overwritten")),
        carries: Carries::Everything,
        files,
    }
}

/// The folder of a legacy report that keeps its versions.
fn legacy_folder(charges: &[Charge]) -> BillForm {
    let month = "r/20261001-20261101";
    let key = format!("{month}/new-assembly/r-1.csv.zip");
    let packed = archive(&[("r-1.csv", legacy(charges).as_bytes())]);
    let manifest = json!({"assemblyId": "new-assembly", "reportKeys": [key]}).to_string();
    BillForm {
        name: "legacy report, versions kept".to_owned(),
        carries: Carries::Everything,
        files: vec![
            (key.clone(), packed.clone()),
            (key.replace("new", "old"), packed),
            (format!("{month}/r-Manifest.json"), manifest.into_bytes()),
        ],
    }
}

/// The usage of each period by some keys: what Cost Explorer shows when credits and taxes are filtered out.
type ByPeriod<K> = BTreeMap<i64, BTreeMap<K, (i128, i128)>>;

fn grouped<K: Ord>(charges: &[Charge], monthly: bool, key: impl Fn(&Charge) -> K) -> ByPeriod<K> {
    let mut periods: ByPeriod<K> = BTreeMap::new();
    for charge in charges.iter().filter(|charge| charge.kind == "Usage") {
        let period = periods.entry(if monthly { 0 } else { charge.day });
        let (usd, quantity) = period.or_default().entry(key(charge)).or_default();
        *usd += charge.usd;
        *quantity += charge.quantity;
    }
    periods
}

fn date(day: i64) -> String {
    time(midnight(day))[..10].to_owned()
}

fn end(day: i64, monthly: bool) -> String {
    date(if monthly { 31 } else { day + 1 })
}

/// Returns what `aws ce get-cost-and-usage` prints.
fn explorer(charges: &[Charge], monthly: bool, by: &[&str]) -> String {
    let key = |charge: &Charge| {
        let value = |by: &&str| match *by {
            "USAGE_TYPE" => charge.usage_type,
            "LINKED_ACCOUNT" => charge.account,
            "REGION" => charge.region,
            _ => charge.service,
        };
        by.iter().map(value).collect::<Vec<_>>()
    };
    let periods = grouped(charges, monthly, key).into_iter();
    let periods: Vec<Value> = periods
        .map(|(day, groups)| {
            let groups: Vec<Value> = groups
                .iter()
                .map(|(keys, (usd, quantity))| {
                    json!({"Keys": keys, "Metrics": {
                        "UnblendedCost": {"Amount": decimal(*usd), "Unit": "USD"},
                        "UsageQuantity": {"Amount": decimal(*quantity), "Unit": "N/A"}}})
                })
                .collect();
            json!({"TimePeriod": {"Start": date(day), "End": end(day, monthly)}, "Total": {},
                   "Groups": groups, "Estimated": false})
        })
        .collect();
    let definitions: Vec<Value> = by
        .iter()
        .map(|key| json!({"Type": "DIMENSION", "Key": key}))
        .collect();
    json!({"GroupDefinitions": definitions, "ResultsByTime": periods}).to_string()
}

/// The table that the console of Cost Explorer downloads.
fn console(charges: &[Charge], monthly: bool, by: &str, turned: bool) -> String {
    let key = |charge: &Charge| match by {
        "Service" => charge.service.trim_start_matches("AWS ").to_owned(),
        _ => charge.usage_type.to_owned(),
    };
    let periods = grouped(charges, monthly, key);
    let mut sums: BTreeMap<&String, i128> = BTreeMap::new();
    for (value, (usd, _)) in periods.values().flatten() {
        *sums.entry(value).or_default() += usd;
    }
    let mut table = vec![vec![by.to_owned()], vec![format!("{by} total")]];
    for (value, usd) in &sums {
        table[0].push(format!("{value}($)"));
        table[1].push(decimal(*usd));
    }
    table[0].push("Total costs($)".to_owned());
    table[1].push(decimal(sums.values().sum()));
    for (day, groups) in &periods {
        let mut row = vec![date(*day)];
        let cell = |value: &&String| {
            groups
                .get(*value)
                .map_or_else(String::new, |cell| decimal(cell.0))
        };
        row.extend(sums.keys().map(cell));
        row.push(decimal(groups.values().map(|cell| cell.0).sum()));
        table.push(row);
    }
    if turned {
        let columns = 0..table[0].len();
        table = columns
            .map(|place| table.iter().map(|row| row[place].clone()).collect())
            .collect();
    }
    let header: Vec<&str> = table[0].iter().map(String::as_str).collect();
    csv(&header, table[1..].iter().cloned())
}

/// The monthly report that the billing console downloads: credits and taxes stand in columns of the lines they belong to.
fn monthly_report(charges: &[Charge]) -> String {
    let columns = [
        "InvoiceID",
        "PayerAccountId",
        "LinkedAccountId",
        "RecordType",
        "ProductCode",
        "UsageType",
        "UsageStartDate",
        "UsageEndDate",
        "UsageQuantity",
        "CurrencyCode",
        "CostBeforeTax",
        "Credits",
        "TotalCost",
    ];
    let key = |charge: &Charge| (charge.account, charge.product, charge.usage_type);
    let months = grouped(charges, true, key);
    let row = |((account, product, usage_type), (usd, quantity)): (
        &(&str, &str, &str),
        &(i128, i128),
    )| {
        vec![
            "E".to_owned(),
            "999988887777".to_owned(),
            (*account).to_owned(),
            "LinkedLineItem".to_owned(),
            (*product).to_owned(),
            (*usage_type).to_owned(),
            "2026/10/01 00:00:00".to_owned(),
            "2026/10/31 23:59:59".to_owned(),
            decimal(*quantity),
            "USD".to_owned(),
            decimal(*usd),
            "0.0".to_owned(),
            decimal(*usd),
        ]
    };
    csv(&columns, months[&0].iter().map(row))
}

/// Every form but Parquet; the first is the one that the others are compared with.
pub fn all(charges: &[Charge]) -> Vec<BillForm> {
    use Carries::{Accounts, Everything, Regions, Service};
    let plain = cur2(charges);
    let packed = gzip(plain.as_bytes());
    let zipped = archive(&[
        ("cur-Manifest.json", b"{}"),
        ("cur-1.csv", plain.as_bytes()),
    ]);
    let mut forms = vec![
        BillForm::file("CUR 2.0", Everything, plain.clone()),
        BillForm::file(
            "CUR 2.0 with a byte order mark",
            Everything,
            format!("\u{feff}{plain}"),
        ),
        BillForm::file("CUR 2.0, gzip", Everything, packed.clone()),
        BillForm::file("CUR 2.0, ZIP", Everything, zipped),
        BillForm::file(
            "CUR 2.0, gzip in ZIP",
            Everything,
            archive(&[("cur-1.csv.gz", &packed)]),
        ),
        BillForm::file("legacy CUR", Everything, legacy(charges)),
        export(charges, None),
        export(charges, Some("20261102T000000Z-new")),
        legacy_folder(charges),
    ];
    for version in ["1.0", "1.1", "1.2", "1.3"] {
        for of_aws in [true, false] {
            let whose = if of_aws { "of AWS" } else { "of anybody" };
            let name = format!("FOCUS {version} {whose}");
            forms.push(BillForm::file(
                &name,
                Everything,
                focus(charges, version, of_aws),
            ));
        }
    }
    for monthly in [false, true] {
        let step = if monthly { "month" } else { "day" };
        for (by, carries) in [
            (&["USAGE_TYPE"][..], Regions),
            (&["USAGE_TYPE", "REGION"], Regions),
            (&["LINKED_ACCOUNT", "USAGE_TYPE"], Accounts),
            (&["SERVICE"], Service),
        ] {
            let name = format!("Cost Explorer by {step}, {by:?}");
            forms.push(BillForm::file(
                &name,
                carries,
                explorer(charges, monthly, by),
            ));
        }
        for turned in [false, true] {
            let way = if turned { "turned" } else { "as downloaded" };
            for (by, carries) in [("Usage type", Regions), ("Service", Service)] {
                let name = format!("Cost Explorer's console by {step}, {by}, {way}");
                forms.push(BillForm::file(
                    &name,
                    carries,
                    console(charges, monthly, by, turned),
                ));
            }
        }
    }
    forms.push(BillForm::file(
        "monthly report of the console",
        Accounts,
        monthly_report(charges),
    ));
    forms
}
