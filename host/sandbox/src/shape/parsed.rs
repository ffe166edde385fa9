//! The shapes of a component that was read, and not compiled.

use wasmparser::PrimitiveValType;
use wasmparser::component_types::{ComponentDefinedType, ComponentFuncType, ComponentValType};
use wasmparser::types::TypesRef;

use super::{Budget, Int, Shape, ShapeError, Signature};

impl Signature {
    /// What a function takes and gives, by the types that a validator knows.
    pub(crate) fn parsed(
        types: TypesRef<'_>,
        function: &ComponentFuncType,
    ) -> Result<Self, ShapeError> {
        if function.async_ {
            return Err(ShapeError::Async);
        }
        let mut params = Parsed { types, budget: Budget::new() };
        let mut fields = Vec::new();
        for (name, ty) in &function.params {
            fields.push((params.budget.name(name)?, params.shape(*ty, 1)?));
        }
        let mut result = Parsed { types, budget: Budget::new() };
        Ok(Self { params: Shape::Record(fields), result: result.maybe(function.result, 1)? })
    }
}

struct Parsed<'a> {
    types: TypesRef<'a>,
    budget: Budget,
}

impl Parsed<'_> {
    fn shape(&mut self, ty: ComponentValType, depth: usize) -> Result<Shape, ShapeError> {
        match ty {
            ComponentValType::Primitive(primitive) => {
                self.budget.enter(depth)?;
                plain(primitive)
            }
            ComponentValType::Type(id) => {
                // The types outlive this: they are no part of it.
                let types = self.types;
                let defined = types.get(id).ok_or(ShapeError::Unknown)?;
                self.budget.enter(depth)?;
                self.defined(defined, depth + 1)
            }
        }
    }

    fn maybe(
        &mut self,
        ty: Option<ComponentValType>,
        depth: usize,
    ) -> Result<Option<Shape>, ShapeError> {
        ty.map(|ty| self.shape(ty, depth)).transpose()
    }

    fn defined(&mut self, ty: &ComponentDefinedType, below: usize) -> Result<Shape, ShapeError> {
        Ok(match ty {
            ComponentDefinedType::Primitive(primitive) => plain(*primitive)?,
            ComponentDefinedType::Record(record) => {
                let mut fields = Vec::new();
                for (name, ty) in &record.fields {
                    fields.push((self.budget.name(name)?, self.shape(*ty, below)?));
                }
                Shape::Record(fields)
            }
            ComponentDefinedType::Variant(variant) => {
                let mut cases = Vec::new();
                for (name, case) in &variant.cases {
                    cases.push((self.budget.name(name)?, self.maybe(case.ty, below)?));
                }
                Shape::Variant(cases)
            }
            ComponentDefinedType::List { element, .. } => Shape::list(self.shape(*element, below)?),
            ComponentDefinedType::FixedLengthList { element, length, .. } => {
                let shape = self.shape(*element, below)?;
                self.budget.fixed(*length, |_| Ok(shape))?
            }
            ComponentDefinedType::Map { key, value, .. } => {
                Shape::Map(Box::new((self.shape(*key, below)?, self.shape(*value, below)?)))
            }
            ComponentDefinedType::Tuple(tuple) => Shape::Tuple(
                tuple.types.iter().map(|ty| self.shape(*ty, below)).collect::<Result<_, _>>()?,
            ),
            ComponentDefinedType::Flags(names) => {
                Shape::Flags(self.budget.names(names.iter().map(|name| name.as_str()))?)
            }
            ComponentDefinedType::Enum(names) => {
                Shape::Enum(self.budget.names(names.iter().map(|name| name.as_str()))?)
            }
            ComponentDefinedType::Option { ty, .. } => {
                Shape::Option(Box::new(self.shape(*ty, below)?))
            }
            ComponentDefinedType::Result { ok, err, .. } => {
                Shape::Result(Box::new((self.maybe(*ok, below)?, self.maybe(*err, below)?)))
            }
            ComponentDefinedType::Own(_) | ComponentDefinedType::Borrow(_) => {
                return Err(ShapeError::NoJson("resource"));
            }
            ComponentDefinedType::Future { .. } => return Err(ShapeError::NoJson("future")),
            ComponentDefinedType::Stream { .. } => return Err(ShapeError::NoJson("stream")),
        })
    }
}

fn plain(ty: PrimitiveValType) -> Result<Shape, ShapeError> {
    Ok(match ty {
        PrimitiveValType::Bool => Shape::Bool,
        PrimitiveValType::S8 => Shape::Int(Int::S8),
        PrimitiveValType::U8 => Shape::Int(Int::U8),
        PrimitiveValType::S16 => Shape::Int(Int::S16),
        PrimitiveValType::U16 => Shape::Int(Int::U16),
        PrimitiveValType::S32 => Shape::Int(Int::S32),
        PrimitiveValType::U32 => Shape::Int(Int::U32),
        PrimitiveValType::S64 => Shape::Int(Int::S64),
        PrimitiveValType::U64 => Shape::Int(Int::U64),
        PrimitiveValType::F32 => Shape::F32,
        PrimitiveValType::F64 => Shape::F64,
        PrimitiveValType::Char => Shape::Char,
        PrimitiveValType::String => Shape::Text,
        PrimitiveValType::ErrorContext => return Err(ShapeError::NoJson("error context")),
    })
}
