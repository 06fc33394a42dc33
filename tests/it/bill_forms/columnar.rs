//! Charges as Parquet in every codec: CUR 2.0 in the types of Data Exports, with its nested `product`.

use std::sync::Arc;

use parquet::basic::{
    Compression, ConvertedType, LogicalType, Repetition, TimeUnit, Type as Physical,
};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::{Type, TypePtr};

use super::{BillForm, Carries, Charge, decimal, midnight};

fn text(name: &str, repetition: Repetition) -> TypePtr {
    let column = Type::primitive_type_builder(name, Physical::BYTE_ARRAY)
        .with_repetition(repetition)
        .with_logical_type(Some(LogicalType::String))
        .build();
    Arc::new(column.unwrap())
}

fn number(name: &str) -> TypePtr {
    let column = Type::primitive_type_builder(name, Physical::DOUBLE)
        .with_repetition(Repetition::OPTIONAL)
        .build();
    Arc::new(column.unwrap())
}

fn moment(name: &str) -> TypePtr {
    let millis = LogicalType::timestamp(true, TimeUnit::MILLIS);
    let column = Type::primitive_type_builder(name, Physical::INT64)
        .with_repetition(Repetition::OPTIONAL)
        .with_logical_type(Some(millis))
        .build();
    Arc::new(column.unwrap())
}

/// A map of texts, as CUR 2.0 has the attributes of a product.
fn map(name: &str) -> TypePtr {
    let entries = Type::group_type_builder("key_value")
        .with_repetition(Repetition::REPEATED)
        .with_fields(vec![
            text("key", Repetition::REQUIRED),
            text("value", Repetition::OPTIONAL),
        ])
        .build();
    let column = Type::group_type_builder(name)
        .with_repetition(Repetition::OPTIONAL)
        .with_converted_type(ConvertedType::MAP)
        .with_fields(vec![Arc::new(entries.unwrap())])
        .build();
    Arc::new(column.unwrap())
}

const TEXTS: [&str; 6] = [
    "line_item_usage_account_id",
    "line_item_line_item_type",
    "line_item_product_code",
    "line_item_usage_type",
    "line_item_resource_id",
    "line_item_currency_code",
];

fn texts(charge: &Charge) -> [Option<String>; 6] {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    [
        some(charge.account),
        some(charge.kind),
        some(charge.product),
        some(charge.usage_type),
        charge.secret.clone(),
        some("USD"),
    ]
}

type Group<'a, 'b> = SerializedRowGroupWriter<'a, &'b mut Vec<u8>>;

/// Texts with the level of definition of those that are there; the others have the level 0.
fn write_texts(group: &mut Group<'_, '_>, cells: &[Option<String>], level: i16, nested: bool) {
    let values: Vec<ByteArray> = cells
        .iter()
        .flatten()
        .map(|text| ByteArray::from(text.as_str()))
        .collect();
    let levels: Vec<i16> = cells
        .iter()
        .map(|cell| if cell.is_some() { level } else { 0 })
        .collect();
    let firsts = vec![0; cells.len()];
    let mut column = group.next_column().unwrap().unwrap();
    column
        .typed::<ByteArrayType>()
        .write_batch(&values, Some(&levels), nested.then_some(&firsts[..]))
        .unwrap();
    column.close().unwrap();
}

fn parquet(charges: &[Charge], compression: Compression) -> Vec<u8> {
    let mut fields: Vec<TypePtr> = TEXTS
        .iter()
        .map(|name| text(name, Repetition::OPTIONAL))
        .collect();
    fields.push(number("line_item_usage_amount"));
    fields.push(number("line_item_unblended_cost"));
    fields.push(moment("line_item_usage_start_date"));
    fields.push(moment("line_item_usage_end_date"));
    fields.push(map("product"));
    let schema = Type::group_type_builder("schema")
        .with_fields(fields)
        .build();
    let properties = WriterProperties::builder()
        .set_compression(compression)
        .build();
    let mut bytes = Vec::new();
    let mut writer =
        SerializedFileWriter::new(&mut bytes, Arc::new(schema.unwrap()), Arc::new(properties))
            .unwrap();
    // As many row groups as a larger export has.
    for some in charges.chunks(50) {
        let mut group = writer.next_row_group().unwrap();
        let present = vec![1_i16; some.len()];
        for place in 0..TEXTS.len() {
            let cells: Vec<_> = some
                .iter()
                .map(|charge| texts(charge)[place].clone())
                .collect();
            write_texts(&mut group, &cells, 1, false);
        }
        for units in [
            |charge: &Charge| charge.quantity,
            |charge: &Charge| charge.usd,
        ] {
            let cells: Vec<f64> = some
                .iter()
                .map(|charge| decimal(units(charge)).parse().unwrap())
                .collect();
            let mut column = group.next_column().unwrap().unwrap();
            let typed = column.typed::<DoubleType>();
            typed.write_batch(&cells, Some(&present), None).unwrap();
            column.close().unwrap();
        }
        for days in [0, 1] {
            let cells: Vec<i64> = some
                .iter()
                .map(|charge| midnight(charge.day + days) * 1_000)
                .collect();
            let mut column = group.next_column().unwrap().unwrap();
            let typed = column.typed::<Int64Type>();
            typed.write_batch(&cells, Some(&present), None).unwrap();
            column.close().unwrap();
        }
        let keys: Vec<_> = some.iter().map(|_| Some("region".to_owned())).collect();
        write_texts(&mut group, &keys, 2, true);
        let values: Vec<_> = some
            .iter()
            .map(|charge| Some(charge.region.to_owned()))
            .collect();
        write_texts(&mut group, &values, 3, true);
        group.close().unwrap();
    }
    writer.close().unwrap();
    bytes
}

/// Parquet in each codec that a writer of bills offers.
pub fn all(charges: &[Charge]) -> Vec<BillForm> {
    let codecs = [
        ("uncompressed", Compression::UNCOMPRESSED),
        ("snappy", Compression::SNAPPY),
        (
            "gzip",
            Compression::GZIP(parquet::basic::GzipLevel::default()),
        ),
        (
            "zstd",
            Compression::ZSTD(parquet::basic::ZstdLevel::default()),
        ),
        (
            "brotli",
            Compression::BROTLI(parquet::basic::BrotliLevel::default()),
        ),
        ("lz4", Compression::LZ4),
        ("lz4_raw", Compression::LZ4_RAW),
    ];
    codecs
        .into_iter()
        .map(|(name, codec)| {
            let bytes = parquet(charges, codec);
            BillForm::file(&format!("Parquet, {name}"), Carries::Everything, bytes)
        })
        .collect()
}
