//! What a WIT value looks like: the types of the component model, without what no JSON can hold. The
//! same shape comes of a component's bytes, which are read without being compiled, and of compiled
//! code, which is called.

mod parsed;
mod schema;

use wasmtime::component::types::Type;

/// Types inside each other. JSON of a value nests at most two deep for each.
const DEPTH_MAX: usize = 16;

/// Types and bytes of names in the parameters or in the result of a function, each type as often as
/// it is named: a few types that name each other become millions otherwise.
const PARTS_MAX: usize = 32 * 1024;

/// The type of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Shape {
    Bool,
    Int(Int),
    F32,
    F64,
    Char,
    Text,
    /// `list<u8>`.
    Bytes,
    List(Box<Self>),
    /// A list that is always so long.
    Fixed(Box<Self>, u32),
    Map(Box<(Self, Self)>),
    Record(Vec<(String, Self)>),
    Tuple(Vec<Self>),
    Variant(Vec<(String, Option<Self>)>),
    Enum(Vec<String>),
    Option(Box<Self>),
    Result(Box<(Option<Self>, Option<Self>)>),
    Flags(Vec<String>),
}

/// A whole number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Int {
    S8,
    U8,
    S16,
    U16,
    S32,
    U32,
    S64,
    U64,
}

/// What a function takes and gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Signature {
    /// A record of the parameters.
    pub(crate) params: Shape,
    pub(crate) result: Option<Shape>,
}

/// Why a function cannot be called with JSON.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShapeError {
    /// It takes or gives what exists only while a component runs.
    #[error("it takes or gives a {0}, which JSON cannot hold")]
    NoJson(&'static str),
    /// Its types are nested too deep.
    #[error("its types are nested more than {DEPTH_MAX} deep")]
    TooDeep,
    /// Its types are too many, or their names too long.
    #[error("its types and their names come to more than {PARTS_MAX}")]
    TooLarge,
    /// What made the component calls it once, while it is built.
    #[error("it is how {0} prepares a component when it is built")]
    Hook(&'static str),
    /// It would be called in another way.
    #[error("it is async, which no tool is")]
    Async,
    /// Our own reader does not know it.
    #[error("one of its types cannot be read")]
    Unknown,
}

/// How much of a function was looked at.
#[derive(Debug)]
struct Budget {
    left: usize,
}

impl Budget {
    fn new() -> Self {
        Self { left: PARTS_MAX }
    }

    /// A type, this deep.
    fn enter(&mut self, depth: usize) -> Result<(), ShapeError> {
        if depth > DEPTH_MAX {
            return Err(ShapeError::TooDeep);
        }
        self.take(1)
    }

    fn take(&mut self, parts: usize) -> Result<(), ShapeError> {
        self.left = self.left.checked_sub(parts).ok_or(ShapeError::TooLarge)?;
        Ok(())
    }

    fn name(&mut self, name: &str) -> Result<String, ShapeError> {
        self.take(name.len() + 1)?;
        Ok(name.to_owned())
    }

    fn names<'a>(
        &mut self,
        names: impl Iterator<Item = &'a str>,
    ) -> Result<Vec<String>, ShapeError> {
        names.map(|name| self.name(name)).collect()
    }

    /// A type of compiled code.
    fn shape(&mut self, ty: &Type, depth: usize) -> Result<Shape, ShapeError> {
        self.enter(depth)?;
        let below = depth + 1;
        Ok(match ty {
            Type::Bool => Shape::Bool,
            Type::S8 => Shape::Int(Int::S8),
            Type::U8 => Shape::Int(Int::U8),
            Type::S16 => Shape::Int(Int::S16),
            Type::U16 => Shape::Int(Int::U16),
            Type::S32 => Shape::Int(Int::S32),
            Type::U32 => Shape::Int(Int::U32),
            Type::S64 => Shape::Int(Int::S64),
            Type::U64 => Shape::Int(Int::U64),
            Type::Float32 => Shape::F32,
            Type::Float64 => Shape::F64,
            Type::Char => Shape::Char,
            Type::String => Shape::Text,
            Type::List(list) => Shape::list(self.shape(&list.ty(), below)?),
            Type::FixedLengthList(list) => {
                self.fixed(list.len(), |this| this.shape(&list.ty(), below))?
            }
            Type::Map(map) => Shape::Map(Box::new((
                self.shape(&map.key(), below)?,
                self.shape(&map.value(), below)?,
            ))),
            Type::Record(record) => {
                let field = |field: wasmtime::component::types::Field<'_>| {
                    Ok((self.name(field.name)?, self.shape(&field.ty, below)?))
                };
                Shape::Record(record.fields().map(field).collect::<Result<_, _>>()?)
            }
            Type::Tuple(tuple) => Shape::Tuple(
                tuple.types().map(|ty| self.shape(&ty, below)).collect::<Result<_, _>>()?,
            ),
            Type::Variant(variant) => {
                let case = |case: wasmtime::component::types::Case<'_>| {
                    let name = self.name(case.name)?;
                    Ok((name, self.maybe(case.ty.as_ref(), below)?))
                };
                Shape::Variant(variant.cases().map(case).collect::<Result<_, _>>()?)
            }
            Type::Enum(names) => Shape::Enum(self.names(names.names())?),
            Type::Option(option) => Shape::Option(Box::new(self.shape(&option.ty(), below)?)),
            Type::Result(result) => Shape::Result(Box::new((
                self.maybe(result.ok().as_ref(), below)?,
                self.maybe(result.err().as_ref(), below)?,
            ))),
            Type::Flags(names) => Shape::Flags(self.names(names.names())?),
            Type::Own(_) | Type::Borrow(_) => return Err(ShapeError::NoJson("resource")),
            Type::Future(_) => return Err(ShapeError::NoJson("future")),
            Type::Stream(_) => return Err(ShapeError::NoJson("stream")),
            Type::ErrorContext => return Err(ShapeError::NoJson("error context")),
        })
    }

    fn maybe(&mut self, ty: Option<&Type>, depth: usize) -> Result<Option<Shape>, ShapeError> {
        ty.map(|ty| self.shape(ty, depth)).transpose()
    }

    /// A list that is always so long counts as that many values.
    fn fixed(
        &mut self,
        length: u32,
        element: impl FnOnce(&mut Self) -> Result<Shape, ShapeError>,
    ) -> Result<Shape, ShapeError> {
        self.take(usize::try_from(length).unwrap_or(usize::MAX))?;
        Ok(Shape::Fixed(Box::new(element(self)?), length))
    }
}

impl Shape {
    /// A list of these.
    pub(crate) fn list(element: Self) -> Self {
        if element == Self::Int(Int::U8) { Self::Bytes } else { Self::List(Box::new(element)) }
    }

    /// Whether `null` is the JSON of one of its values.
    pub(crate) fn has_null(&self) -> bool {
        matches!(self, Self::Option(_))
    }
}

impl Signature {
    /// What a function of compiled code takes and gives.
    pub(crate) fn of(
        function: &wasmtime::component::types::ComponentFunc,
    ) -> Result<Self, ShapeError> {
        if function.async_() {
            return Err(ShapeError::Async);
        }
        let mut budget = Budget::new();
        let param = |(name, ty): (&str, Type)| Ok((budget.name(name)?, budget.shape(&ty, 1)?));
        let params = Shape::Record(function.params().map(param).collect::<Result<_, _>>()?);
        let result = function.results().next();
        Ok(Self { params, result: Budget::new().maybe(result.as_ref(), 1)? })
    }
}

impl Int {
    /// The least and the greatest.
    pub(crate) fn range(self) -> (i128, i128) {
        match self {
            Self::S8 => (i8::MIN.into(), i8::MAX.into()),
            Self::U8 => (0, u8::MAX.into()),
            Self::S16 => (i16::MIN.into(), i16::MAX.into()),
            Self::U16 => (0, u16::MAX.into()),
            Self::S32 => (i32::MIN.into(), i32::MAX.into()),
            Self::U32 => (0, u32::MAX.into()),
            Self::S64 => (i64::MIN.into(), i64::MAX.into()),
            Self::U64 => (0, u64::MAX.into()),
        }
    }

    /// Whether it has values that not every reader of JSON takes for the same number.
    pub(crate) fn is_wide(self) -> bool {
        match self {
            Self::S64 | Self::U64 => true,
            Self::S8 | Self::U8 | Self::S16 | Self::U16 | Self::S32 | Self::U32 => false,
        }
    }
}
