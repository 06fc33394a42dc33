//! Bills in every form of an export, made here.

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::Arc;

use parquet::basic::{Compression, LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;

use super::*;
use crate::domain::base::money::Money;
use crate::domain::fixture;
use crate::domain::pricing::bill::reconcile;
use crate::domain::pricing::bill::usage_type::CostPart;
use crate::domain::report::result::Report;

const ARN: &str = "arn:aws:secretsmanager:eu-west-1:012345678901:secret:prod/db-AbC123";

/// The same two hours in each form: a secret's storage twice, calls once, a credit, another service.
const CUR2: &str = "\
bill_payer_account_id,line_item_usage_account_id,line_item_line_item_type,line_item_usage_start_date,line_item_usage_end_date,line_item_product_code,line_item_usage_type,line_item_resource_id,line_item_usage_amount,line_item_currency_code,line_item_unblended_cost,product_region_code,resource_tags
999988887777,012345678901,Usage,2026-10-01T00:00:00.000Z,2026-10-01T01:00:00.000Z,AWSSecretsManager,EU-AWSSecretsManager-Secrets,arn:aws:secretsmanager:eu-west-1:012345678901:secret:prod/db-AbC123,0.0013440860,USD,0.0005376344,eu-west-1,\"{\"\"owner\"\":\"\"a,b\"\"}\"
999988887777,012345678901,Usage,2026-10-01T01:00:00.000Z,2026-10-01T02:00:00.000Z,AWSSecretsManager,EU-AWSSecretsManager-Secrets,arn:aws:secretsmanager:eu-west-1:012345678901:secret:prod/db-AbC123,0.0013440860,USD,0.0005376344,eu-west-1,
999988887777,012345678901,Usage,2026-10-01T00:00:00.000Z,2026-10-01T01:00:00.000Z,AWSSecretsManager,EU-AWSSecretsManager-APIRequests,,200,USD,1.0E-3,eu-west-1,
999988887777,012345678901,Credit,2026-10-01T00:00:00.000Z,2026-10-01T01:00:00.000Z,AWSSecretsManager,EU-AWSSecretsManager-APIRequests,,,USD,-0.0005,eu-west-1,
999988887777,012345678901,Usage,2026-10-01T00:00:00.000Z,2026-10-01T01:00:00.000Z,AmazonEC2,EU-BoxUsage:t3.micro,i-1,1,USD,9.99,eu-west-1,
";

const LEGACY: &str = "\
identity/LineItemId,lineItem/UsageAccountId,lineItem/LineItemType,lineItem/UsageStartDate,lineItem/UsageEndDate,lineItem/ProductCode,lineItem/UsageType,lineItem/ResourceId,lineItem/UsageAmount,lineItem/CurrencyCode,lineItem/UnblendedCost,product/region
a,012345678901,Usage,2026-10-01T00:00:00Z,2026-10-01T02:00:00Z,AWSSecretsManager,EU-AWSSecretsManager-Secrets,arn:aws:secretsmanager:eu-west-1:012345678901:secret:prod/db-AbC123,0.002688172,USD,0.0010752688,eu-west-1
b,012345678901,Usage,2026-10-01T00:00:00Z,2026-10-01T01:00:00Z,AWSSecretsManager,EU-AWSSecretsManagerAPIRequest,,200,USD,0.0010000000,
c,012345678901,Credit,2026-10-01T00:00:00Z,2026-10-01T01:00:00Z,AWSSecretsManager,EU-AWSSecretsManager-APIRequests,,,USD,-0.0005,eu-west-1
";

const FOCUS: &str = "\
BilledCost,BillingAccountId,BillingCurrency,ChargeCategory,ChargePeriodEnd,ChargePeriodStart,PricingQuantity,PricingUnit,RegionId,ResourceId,ServiceName,SubAccountId,x_UsageType
0.0010752688,999988887777,USD,Usage,2026-10-01T02:00:00Z,2026-10-01T00:00:00Z,0.002688172,Secrets,eu-west-1,arn:aws:secretsmanager:eu-west-1:012345678901:secret:prod/db-AbC123,AWS Secrets Manager,012345678901,EU-AWSSecretsManager-Secrets
0.001,999988887777,USD,Usage,2026-10-01T01:00:00Z,2026-10-01T00:00:00Z,200,API Requests,eu-west-1,,AWS Secrets Manager,012345678901,
-0.0005,999988887777,USD,Credit,2026-10-01T01:00:00Z,2026-10-01T00:00:00Z,,API Requests,eu-west-1,,AWS Secrets Manager,012345678901,
";

const EXPLORER: &str = r#"{
  "GroupDefinitions": [{"Type": "DIMENSION", "Key": "LINKED_ACCOUNT"}, {"Type": "DIMENSION", "Key": "USAGE_TYPE"}],
  "ResultsByTime": [{
    "TimePeriod": {"Start": "2026-10-01", "End": "2026-10-02"}, "Total": {}, "Estimated": true,
    "Groups": [
      {"Keys": ["012345678901", "EU-AWSSecretsManager-Secrets"],
       "Metrics": {"UnblendedCost": {"Amount": "0.0010752688", "Unit": "USD"}, "UsageQuantity": {"Amount": "0.002688172", "Unit": "N/A"}}},
      {"Keys": ["012345678901", "EU-AWSSecretsManager-APIRequests"],
       "Metrics": {"UnblendedCost": {"Amount": "0.001", "Unit": "USD"}}},
      {"Keys": ["012345678901", "EU-BoxUsage:t3.micro"], "Metrics": {"UnblendedCost": {"Amount": "9", "Unit": "USD"}}}
    ]
  }],
  "DimensionValueAttributes": []
}"#;

fn october() -> Span {
    fixture::report(0).window
}

pub(super) fn read_bytes(bytes: &[u8]) -> Result<Bill, BillError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bill");
    std::fs::write(&path, bytes).unwrap();
    read(&[path], october())
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A Parquet file with some of the columns of CUR 2.0 in their types, and as many rows as costs.
fn parquet_file(costs: &[f64]) -> Vec<u8> {
    parquet_file_of(costs, Compression::SNAPPY, TimeUnit::MILLIS)
}

/// The same with another compression, or times of nanoseconds.
fn parquet_file_of(costs: &[f64], compression: Compression, unit: TimeUnit) -> Vec<u8> {
    let text = |name: &str| {
        let utf8 = Some(LogicalType::String);
        Type::primitive_type_builder(name, Physical::BYTE_ARRAY)
            .with_repetition(Repetition::OPTIONAL)
            .with_logical_type(utf8)
            .build()
    };
    let number = Type::primitive_type_builder("line_item_unblended_cost", Physical::DOUBLE)
        .with_repetition(Repetition::OPTIONAL)
        .build();
    let time = |name: &str| {
        Type::primitive_type_builder(name, Physical::INT64)
            .with_repetition(Repetition::OPTIONAL)
            .with_logical_type(Some(LogicalType::timestamp(true, unit)))
            .build()
    };
    let texts = [
        ("line_item_usage_account_id", "012345678901"),
        ("line_item_usage_type", "EU-AWSSecretsManager-Secrets"),
        ("line_item_resource_id", ARN),
        ("line_item_line_item_type", "Usage"),
        ("line_item_currency_code", "USD"),
        ("an_unknown_column", "x"),
    ];
    let mut fields: Vec<_> = texts
        .iter()
        .map(|(name, _)| Arc::new(text(name).unwrap()))
        .collect();
    fields.push(Arc::new(number.unwrap()));
    fields.push(Arc::new(time("line_item_usage_start_date").unwrap()));
    fields.push(Arc::new(time("line_item_usage_end_date").unwrap()));
    let schema = Type::group_type_builder("schema")
        .with_fields(fields)
        .build()
        .unwrap();
    let properties = WriterProperties::builder()
        .set_compression(compression)
        .build();
    let mut bytes = Vec::new();
    let mut writer =
        SerializedFileWriter::new(&mut bytes, Arc::new(schema), Arc::new(properties)).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let levels = vec![1_i16; costs.len()];
    for (_, value) in texts {
        let mut column = group.next_column().unwrap().unwrap();
        let values = vec![ByteArray::from(value); costs.len()];
        column
            .typed::<ByteArrayType>()
            .write_batch(&values, Some(&levels), None)
            .unwrap();
        column.close().unwrap();
    }
    let mut column = group.next_column().unwrap().unwrap();
    column
        .typed::<DoubleType>()
        .write_batch(costs, Some(&levels), None)
        .unwrap();
    column.close().unwrap();
    for hour in [0_i64, 1] {
        let start = october().from.as_second() + hour * 3_600;
        let units = if unit == TimeUnit::NANOS {
            1_000_000_000
        } else {
            1_000
        };
        let values = vec![start * units; costs.len()];
        let mut column = group.next_column().unwrap().unwrap();
        column
            .typed::<Int64Type>()
            .write_batch(&values, Some(&levels), None)
            .unwrap();
        column.close().unwrap();
    }
    group.close().unwrap();
    writer.close().unwrap();
    bytes
}

#[test]
fn every_form_of_an_export_says_the_same() {
    for (form, bytes) in [
        ("CUR 2.0", CUR2.as_bytes().to_vec()),
        ("CUR 2.0, gzipped", gzip(CUR2.as_bytes())),
        (
            "CUR 2.0 with a byte order mark",
            format!("\u{feff}{CUR2}").into_bytes(),
        ),
        ("legacy CUR", LEGACY.as_bytes().to_vec()),
        ("FOCUS", FOCUS.as_bytes().to_vec()),
        ("FOCUS, gzipped", gzip(FOCUS.as_bytes())),
        ("Cost Explorer", EXPLORER.as_bytes().to_vec()),
        ("Cost Explorer, gzipped", gzip(EXPLORER.as_bytes())),
    ] {
        let bill = read_bytes(&bytes).unwrap();
        assert_eq!(bill.by_key.len(), 2, "{form}");
        for (key, billed) in &bill.by_key {
            assert_eq!(
                key.account.as_ref().unwrap().as_str(),
                "012345678901",
                "{form}"
            );
            assert_eq!(key.region.as_ref().unwrap().as_str(), "eu-west-1", "{form}");
            let (usage, adjustments) = match key.part {
                CostPart::Storage => (1_075, 0),
                CostPart::Api if form.starts_with("Cost") => (1_000, 0),
                CostPart::Api => (1_000, -500),
                CostPart::Kms | CostPart::Other | CostPart::Whole => panic!("{form}"),
            };
            assert_eq!(billed.usage.money(), Money(usage), "{form}");
            assert_eq!(billed.adjustments.money(), Money(adjustments), "{form}");
        }
        let named: Vec<_> = bill
            .secrets
            .iter()
            .map(|(arn, usd)| (arn.as_str(), usd.money().0))
            .collect();
        let expect: &[_] = if form.starts_with("Cost") {
            &[]
        } else {
            &[(ARN, 1_075)]
        };
        assert_eq!(named, expect, "{form}");
        assert_eq!((bill.unreadable, bill.outside), (0, 0), "{form}");
        assert_eq!(bill.estimated, form.starts_with("Cost"), "{form}");
    }
}

#[test]
fn parquet_is_read_column_by_column() {
    let bill = read_bytes(&parquet_file(&[0.000_537_634_4, 0.000_537_634_4, 5e-6])).unwrap();
    let (key, billed) = bill.by_key.iter().next().unwrap();
    assert_eq!(key.part, CostPart::Storage);
    assert_eq!(key.region.as_ref().unwrap().as_str(), "eu-west-1");
    assert_eq!(billed.usage.to_string(), "0.001080268800");
    assert_eq!(bill.secrets.keys().next().unwrap().as_str(), ARN);
    assert_eq!(bill.covers.unwrap().hours(), 1);
}

#[test]
fn a_damaged_file_is_an_error_and_never_a_panic() {
    let whole = parquet_file(&[0.5; 40]);
    for cut in (0..whole.len()).step_by(31) {
        let _ = read_bytes(&whole[..cut]);
    }
    for offset in (0..whole.len()).step_by(5) {
        let mut bytes = whole.clone();
        bytes[offset] ^= 0x5a;
        let _ = read_bytes(&bytes);
    }
    let packed = gzip(CUR2.as_bytes());
    assert!(read_bytes(&packed[..packed.len() / 2]).is_err());
}

#[test]
fn what_is_no_bill_says_what_was_looked_for() {
    for (bytes, expect) in [
        (
            &b"arn,name,total\n1,2,3\n"[..],
            "its columns are arn, name, total",
        ),
        (b"BilledCost,x\n1,2\n", "`x_UsageType`"),
        (b"", "it is empty"),
        (b"{\"SecretList\": []}", "no answer of Cost Explorer"),
        (
            b"{\"ResultsByTime\": [], \"GroupDefinitions\": [{\"Key\": \"REGION\"}]}",
            "Key=USAGE_TYPE",
        ),
        (b"PK\x03\x04....", "ZIP archive cannot be read"),
        (b"PAR1xxxx", "Parquet"),
    ] {
        let message = read_bytes(bytes).unwrap_err().to_string();
        assert!(message.contains(expect), "{message}");
    }
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(
        read(&[folder.path().to_owned()], october()),
        Err(BillError::Empty(_))
    ));
    let missing = folder.path().join("none.csv");
    assert!(matches!(
        read(&[missing], october()),
        Err(BillError::Io { .. })
    ));
}

#[test]
fn a_row_that_cannot_be_read_is_counted_and_the_rest_is_read() {
    let broken = CUR2.replacen("0.0005376344", "n/a", 1).replacen(
        "2026-10-01T01:00:00.000Z,2026-10-01T02",
        "x,2026-10-01T02",
        1,
    );
    let bill = read_bytes(broken.as_bytes()).unwrap();
    assert_eq!(bill.unreadable, 2);
    assert_eq!(bill.first_unreadable.as_deref(), Some("`n/a` is no amount"));
    assert_eq!(bill.lines, 2);
    let short = format!("{CUR2}\n999988887777,012345678901\n");
    assert_eq!(read_bytes(short.as_bytes()).unwrap().unreadable, 0);
}

#[test]
fn a_folder_of_parts_is_one_bill_and_manifests_are_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["part-1.csv", "part-2.csv"] {
        std::fs::write(folder.path().join(name), LEGACY).unwrap();
    }
    std::fs::write(folder.path().join("cur-Manifest.json"), "{}").unwrap();
    let bill = read(&[folder.path().to_owned()], october()).unwrap();
    assert_eq!(bill.lines, 6);
}

#[test]
fn our_own_focus_file_reconciles_with_the_scan_that_wrote_it() {
    let report: Report = fixture::report(120);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("focus.csv");
    let mut text = String::from(
        "BilledCost,SubAccountId,RegionId,ServiceName,PricingUnit,ChargePeriodStart,ChargePeriodEnd\n",
    );
    let (from, to) = (report.window.from, report.window.to);
    for row in &report.secrets {
        let parts = [
            (
                row.window_cost.storage_usd,
                "AWS Secrets Manager",
                "Secret-Months",
            ),
            (row.window_cost.api_usd, "AWS Secrets Manager", "Requests"),
            (
                row.window_cost.kms_usd,
                "AWS Key Management Service",
                "Requests",
            ),
        ];
        for (usd, service, unit) in parts {
            let usd = usd.unwrap_or_default();
            writeln!(
                text,
                "{usd},{},{},{service},{unit},{from},{to}",
                row.account, row.region
            )
            .unwrap();
        }
    }
    std::fs::write(&path, text).unwrap();
    let found = reconcile(&report, &read(&[path], report.window).unwrap());
    let unattributed = report.totals.window_cost.unattributed_usd;
    assert_eq!(
        found.totals.difference_usd,
        Some(Money::ZERO - unattributed)
    );
}

/// Cost Explorer's answer of October, grouped so.
fn answer(groups: &[&str], rows: &[(&[&str], &str)]) -> String {
    let definitions: Vec<_> = groups
        .iter()
        .map(|key| serde_json::json!({"Type": "DIMENSION", "Key": key}))
        .collect();
    let rows: Vec<_> = rows
        .iter()
        .map(|(keys, usd)| {
            let cost = serde_json::json!({"Amount": usd, "Unit": "USD"});
            serde_json::json!({"Keys": keys, "Metrics": {"UnblendedCost": cost}})
        })
        .collect();
    serde_json::json!({
        "GroupDefinitions": definitions,
        "ResultsByTime": [{
            "TimePeriod": {"Start": "2026-10-01", "End": "2026-11-01"},
            "Groups": rows,
        }],
    })
    .to_string()
}

#[test]
fn cost_explorer_is_read_by_service_and_in_an_array_of_pages() {
    let page = answer(
        &["SERVICE", "LINKED_ACCOUNT"],
        &[
            (&["AWS Secrets Manager", "111122223333"], "20"),
            (&["Amazon Simple Storage Service", "111122223333"], "999"),
            (&["AWS Key Management Service", "111122223333"], "7"),
        ],
    );
    for (text, usd) in [(page.clone(), 20), (format!("[{page}, {page}]"), 40)] {
        let bill = read_bytes(text.as_bytes()).unwrap();
        let rows: Vec<_> = bill.by_key.iter().collect();
        assert_eq!(rows.len(), 1, "{rows:?}");
        let (key, billed) = rows[0];
        assert_eq!(key.part, CostPart::Whole);
        assert_eq!(key.region, None);
        assert_eq!(billed.usage.money(), Money(usd * 1_000_000));
    }
}

/// A ZIP archive of these files.
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

#[test]
fn an_archive_is_read_like_a_folder() {
    let plain = read_bytes(CUR2.as_bytes()).unwrap();
    let packed = gzip(CUR2.as_bytes());
    for files in [
        vec![("cur/cur-00001.csv", CUR2.as_bytes())],
        vec![
            ("cur-Manifest.json", &b"{}"[..]),
            ("cur-00001.csv.gz", packed.as_slice()),
        ],
    ] {
        let bill = read_bytes(&archive(&files)).unwrap();
        assert_eq!(bill.by_key, plain.by_key);
    }
    let empty = read_bytes(&archive(&[("x-Manifest.json", b"{}")])).unwrap_err();
    assert!(empty.to_string().contains("holds no file"), "{empty}");
    let whole = archive(&[("cur.csv", CUR2.as_bytes())]);
    for cut in (0..whole.len()).step_by(17) {
        assert!(read_bytes(&whole[..cut]).is_err(), "{cut}");
    }
}

#[test]
fn parquet_is_read_in_every_codec_and_unit_of_time() {
    let costs = [0.25, 0.5];
    let snappy = read_bytes(&parquet_file(&costs)).unwrap();
    assert_eq!(snappy.unreadable, 0);
    for compression in [
        Compression::UNCOMPRESSED,
        Compression::GZIP(parquet::basic::GzipLevel::default()),
        Compression::ZSTD(parquet::basic::ZstdLevel::default()),
        Compression::BROTLI(parquet::basic::BrotliLevel::default()),
        Compression::LZ4,
        Compression::LZ4_RAW,
    ] {
        for unit in [TimeUnit::MILLIS, TimeUnit::NANOS] {
            let bill = read_bytes(&parquet_file_of(&costs, compression, unit)).unwrap();
            assert_eq!(bill, snappy, "{compression:?} {unit:?}");
        }
    }
}

#[test]
fn the_monthly_report_of_the_console_is_read() {
    let report = "\
\"InvoiceID\",\"PayerAccountId\",\"LinkedAccountId\",\"RecordType\",\"ProductCode\",\"UsageType\",\"UsageStartDate\",\"UsageEndDate\",\"UsageQuantity\",\"CurrencyCode\",\"CostBeforeTax\",\"TotalCost\"
\"E\",\"999988887777\",\"012345678901\",\"LinkedLineItem\",\"AWSSecretsManager\",\"EU-AWSSecretsManager-Secrets\",\"2026/10/01 00:00:00\",\"2026/10/31 23:59:59\",\"50\",\"USD\",\"20.000000\",\"23.8\"
\"E\",\"999988887777\",\"012345678901\",\"LinkedLineItem\",\"AmazonS3\",\"EU-Requests\",\"2026/10/01 00:00:00\",\"2026/10/31 23:59:59\",\"5\",\"USD\",\"7.000000\",\"8\"
\"E\",\"999988887777\",\"\",\"StatementTotal\",\"\",\"\",\"\",\"\",\"\",\"USD\",\"27.000000\",\"31.8\"
";
    let bill = read_bytes(report.as_bytes()).unwrap();
    let (key, billed) = bill.by_key.iter().next().unwrap();
    assert_eq!((bill.lines, bill.unreadable), (1, 0));
    assert_eq!(key.account.as_ref().unwrap().as_str(), "012345678901");
    assert_eq!(key.region.as_ref().unwrap().as_str(), "eu-west-1");
    assert_eq!(billed.usage.money(), Money(20_000_000));
}
