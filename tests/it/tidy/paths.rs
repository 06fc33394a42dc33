//! The paths that a source file uses, as the compiler resolves them: every import and every path in its code, from the
//! root of the crate on.
//!
//! Text of a `use` may hide what it names: braces, `super::super`, `use crate as x`. So the file is parsed, and each path
//! is followed through the imports of its file. Code under `#[cfg(test)]` may borrow what it needs and is left out.

use std::collections::BTreeMap;

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemUse, UseTree};

/// A path from the root: `["crate", "domain", "base"]` or `["std", "fs"]`.
pub type Segments = Vec<String>;

/// The facts of one source file that the walls are about.
#[derive(Debug, Default)]
pub struct Source {
    /// Every path that the code names, resolved.
    pub paths: Vec<Segments>,
    /// The modules whose whole contents are imported.
    pub globs: Vec<Segments>,
    /// The names of the types that the file defines.
    pub types: Vec<String>,
    /// The modules that the file declares for tests alone.
    pub test_modules: Vec<String>,
    /// Constructs that no wall can see through, or that have no place in the domain.
    pub is_async: bool,
}

/// The module that holds the rooms of the package `secretsweep-trail`.
pub const ROOMS_OF_PACKAGE: &[&str] = &["crate", "domain"];

/// Reads one file. `module` is its own path, such as `["crate", "domain", "base"]`, and `package` that of what `crate` means
/// in it.
pub fn read(text: &str, module: &[&str], package: &[&str]) -> Source {
    let file =
        syn::parse_file(text).unwrap_or_else(|error| panic!("{}: {error}", module.join("::")));
    let mut reader = Reader {
        module: owned(module),
        package: owned(package),
        ..Reader::default()
    };
    reader.visit_file(&file);
    reader.resolved()
}

fn owned(path: &[&str]) -> Segments {
    path.iter().map(|part| (*part).to_owned()).collect()
}

/// Returns whether an item is compiled for tests alone.
fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let is_cfg = attribute.path().is_ident("cfg");
        attribute.path().is_ident("test")
            || is_cfg
                && attribute
                    .meta
                    .require_list()
                    .is_ok_and(|list| list.tokens.to_string() == "test")
    })
}

/// A path as it is written, and the module it is written in.
type Written = (Segments, Segments);

#[derive(Default)]
struct Reader {
    /// The module that is being read.
    module: Segments,
    /// The path that `crate` means.
    package: Segments,
    paths: Vec<Written>,
    globs: Vec<Written>,
    /// The names that imports bind, by module.
    names: BTreeMap<(Segments, String), Vec<Segments>>,
    source: Source,
}

impl Reader {
    fn tree(&mut self, tree: &UseTree, before: &Segments) {
        let with = |name: String| before.iter().cloned().chain([name]).collect::<Segments>();
        match tree {
            UseTree::Path(path) => self.tree(&path.tree, &with(path.ident.to_string())),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.tree(tree, before)),
            UseTree::Glob(_) => self.globs.push((self.module.clone(), before.clone())),
            UseTree::Name(name) if name.ident == "self" => {
                self.bind(before.last().cloned(), before.clone());
            }
            UseTree::Name(name) => {
                let name = name.ident.to_string();
                self.bind(Some(name.clone()), with(name));
            }
            UseTree::Rename(rename) if rename.ident == "self" => {
                self.bind(Some(rename.rename.to_string()), before.clone());
            }
            UseTree::Rename(rename) => {
                self.bind(
                    Some(rename.rename.to_string()),
                    with(rename.ident.to_string()),
                );
            }
        }
    }

    fn bind(&mut self, name: Option<String>, path: Segments) {
        self.paths.push((self.module.clone(), path.clone()));
        if let Some(name) = name {
            let bound = self.names.entry((self.module.clone(), name)).or_default();
            bound.push(path);
        }
    }

    /// The paths in tokens that only a macro understands.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path = Segments::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        self.end(&mut path);
                    }
                    path.push(ident.to_string());
                    colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                TokenTree::Group(group) => {
                    self.end(&mut path);
                    self.tokens(group.stream());
                    colons = 0;
                }
                _ => {
                    self.end(&mut path);
                    colons = 0;
                }
            }
        }
        self.end(&mut path);
    }

    fn end(&mut self, path: &mut Segments) {
        if path.len() > 1 {
            self.paths.push((self.module.clone(), std::mem::take(path)));
        }
        path.clear();
    }

    /// The paths of one that is written in a module. A name that is imported twice, in two functions, has two.
    fn resolve(&self, module: &Segments, path: &[String], depth: usize) -> Vec<Segments> {
        let Some(first) = path.first() else {
            return Vec::new();
        };
        let rest = &path[1..];
        match first.as_str() {
            "crate" => return vec![[self.package.as_slice(), rest].concat()],
            "secretsweep" => return vec![[&["crate".to_owned()], rest].concat()],
            "secretsweep_trail" => {
                return vec![[owned(ROOMS_OF_PACKAGE).as_slice(), rest].concat()];
            }
            "self" => return self.below(module, rest, depth),
            "super" => {
                let parent = module[..module.len().saturating_sub(1).max(1)].to_vec();
                // `super::name` may be an import of the parent, in the same file.
                return self.below(&parent, rest, depth);
            }
            _ => {}
        }
        self.imported(module, path, depth)
            .unwrap_or_else(|| vec![path.to_vec()])
    }

    /// A path below a module, which an import of that module may lead elsewhere.
    fn below(&self, module: &Segments, rest: &[String], depth: usize) -> Vec<Segments> {
        if rest.first().is_some_and(|next| next == "super") {
            return self.resolve(module, rest, depth);
        }
        self.imported(module, rest, depth)
            .unwrap_or_else(|| vec![[module.as_slice(), rest].concat()])
    }

    fn imported(&self, module: &Segments, path: &[String], depth: usize) -> Option<Vec<Segments>> {
        let first = path.first()?;
        let bound = self.names.get(&(module.clone(), first.clone()))?;
        let mut all = Vec::new();
        for target in bound {
            let is_itself = target.first() == Some(first) && target.len() == 1;
            if depth == 0 || is_itself {
                all.push([target.as_slice(), &path[1..]].concat());
                continue;
            }
            let longer = [target.as_slice(), &path[1..]].concat();
            if target.first() == Some(first) {
                all.push(longer);
            } else {
                all.extend(self.resolve(module, &longer, depth - 1));
            }
        }
        Some(all)
    }

    fn resolved(self) -> Source {
        let all = |written: &[Written]| {
            let found = written
                .iter()
                .flat_map(|(module, path)| self.resolve(module, path, 8));
            found.collect::<Vec<_>>()
        };
        Source {
            paths: all(&self.paths),
            globs: all(&self.globs),
            ..self.source
        }
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast Item) {
        let (attributes, defined) = match item {
            Item::Struct(item) => (&item.attrs, Some(&item.ident)),
            Item::Enum(item) => (&item.attrs, Some(&item.ident)),
            Item::Union(item) => (&item.attrs, Some(&item.ident)),
            Item::Trait(item) => (&item.attrs, Some(&item.ident)),
            Item::Type(item) => (&item.attrs, Some(&item.ident)),
            Item::Fn(item) => (&item.attrs, None),
            Item::Impl(item) => (&item.attrs, None),
            Item::Mod(item) => (&item.attrs, None),
            Item::Use(item) => (&item.attrs, None),
            Item::Const(item) => (&item.attrs, None),
            Item::Static(item) => (&item.attrs, None),
            Item::ExternCrate(item) => (&item.attrs, None),
            _ => return visit::visit_item(self, item),
        };
        if is_test(attributes) {
            if let Item::Mod(module) = item {
                self.source.test_modules.push(module.ident.to_string());
            }
            return;
        }
        self.source.types.extend(defined.map(ToString::to_string));
        match item {
            Item::Mod(module) if module.content.is_some() => {
                self.module.push(module.ident.to_string());
                visit::visit_item(self, item);
                self.module.pop();
            }
            Item::ExternCrate(extern_crate) => {
                let name = extern_crate.ident.to_string();
                let name = if name == "self" {
                    "crate".to_owned()
                } else {
                    name
                };
                let alias = extern_crate.rename.as_ref();
                let alias = alias.map_or_else(|| name.clone(), |(_, alias)| alias.to_string());
                self.bind(Some(alias), vec![name]);
            }
            _ => visit::visit_item(self, item),
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.tree(&item.tree, &Segments::new());
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments = path.segments.iter();
        let segments = segments.map(|segment| segment.ident.to_string()).collect();
        self.paths.push((self.module.clone(), segments));
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, mac: &'ast syn::Macro) {
        self.tokens(mac.tokens.clone());
        visit::visit_macro(self, mac);
    }

    fn visit_signature(&mut self, signature: &'ast syn::Signature) {
        self.source.is_async |= signature.asyncness.is_some();
        visit::visit_signature(self, signature);
    }

    fn visit_expr_async(&mut self, block: &'ast syn::ExprAsync) {
        self.source.is_async = true;
        visit::visit_expr_async(self, block);
    }

    // `pub(in path)` names who may use an item and uses nothing.
    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}
}
