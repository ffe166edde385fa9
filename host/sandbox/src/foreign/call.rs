//! Calls a component that knows nothing of our contract.

use wasmtime::Store;
use wasmtime::component::{Func, Instance, InstancePre, Val};

use super::{Entry, RUN};
use crate::bindings::exports::stepwell::tool::handler::Refusal;
use crate::call::ANSWER_DEPTH_MAX;
use crate::guest::Guest;
use crate::json;
use crate::limits::Limits;
use crate::outcome::{Ending, Stop};
use crate::run::Said;
use crate::shape::{Shape, Signature};
use crate::values::{self, Unwritten};
use crate::wasi::Exit;

/// Instantiates it and calls what is asked for.
pub(crate) async fn enter(
    store: &mut Store<Guest>,
    linked: &InstancePre<Guest>,
    entry: &Entry,
    input: &str,
    limits: &Limits,
) -> Said {
    let bytes_max = usize::try_from(limits.output_bytes).unwrap_or(usize::MAX);
    match entry {
        Entry::Handler => Err(trapped("it has no handler")),
        Entry::Function { interface, name } => {
            let instance = linked.instantiate_async(&mut *store).await?;
            let found = found(store, &instance, interface.as_deref(), name);
            let function = found.ok_or_else(|| trapped("it has no such function"))?;
            call(store, function, input, bytes_max).await
        }
        Entry::Command => {
            store.data_mut().wasi().become_console(input, limits.output_bytes);
            let code = match run(store, linked).await {
                Ok(code) => code,
                Err(err) => match err.downcast_ref::<Exit>() {
                    Some(Exit(code)) => *code,
                    None => return Err(err),
                },
            };
            printed(store.data_mut(), code, bytes_max)
        }
    }
}

fn trapped(what: &str) -> wasmtime::Error {
    Stop(Ending::Trapped { what: what.to_owned() }).into()
}

fn too_large(bytes_max: usize) -> wasmtime::Error {
    Stop(Ending::OutputTooLarge { limit: bytes_max as u64 }).into()
}

fn found(
    store: &mut Store<Guest>,
    instance: &Instance,
    interface: Option<&str>,
    name: &str,
) -> Option<Func> {
    let within = match interface {
        Some(interface) => Some(instance.get_export_index(&mut *store, None, interface)?),
        None => None,
    };
    let index = instance.get_export_index(&mut *store, within.as_ref(), name)?;
    instance.get_func(store, index)
}

/// Calls a function with the arguments that JSON names.
async fn call(store: &mut Store<Guest>, function: Func, input: &str, bytes_max: usize) -> Said {
    let signature =
        Signature::of(&function.ty(&*store)).map_err(|err| trapped(&err.to_string()))?;
    let arguments: Vec<Val> = match values::read(&signature.params, input) {
        Ok(Val::Record(fields)) => fields.into_iter().map(|(_, value)| value).collect(),
        Ok(_) => return Err(trapped("its parameters are no record")),
        Err(misfit) => return Ok(Err(Refusal { message: misfit.to_string() })),
    };
    let mut results = vec![Val::Bool(false); usize::from(signature.result.is_some())];
    function.call_async(&mut *store, &arguments, &mut results).await?;
    let written = match (&signature.result, results.first()) {
        (None, _) | (_, None) => Ok("null".to_owned()),
        // The outermost result is the answer or the refusal of the call.
        (Some(Shape::Result(both)), Some(Val::Result(Ok(value)))) => {
            maybe(both.0.as_ref(), value.as_deref(), bytes_max)
        }
        (Some(Shape::Result(both)), Some(Val::Result(Err(value)))) => {
            let message = match value.as_deref() {
                None => "it failed, and does not say why".to_owned(),
                Some(Val::String(text)) => text.clone(),
                other => maybe(both.1.as_ref(), other, bytes_max)
                    .map_err(|why| unwritten(why, bytes_max))?,
            };
            return Ok(Err(Refusal { message }));
        }
        (Some(shape), Some(value)) => values::write(shape, value, bytes_max),
    };
    written.map(Ok).map_err(|why| unwritten(why, bytes_max))
}

fn maybe(
    shape: Option<&Shape>,
    value: Option<&Val>,
    bytes_max: usize,
) -> Result<String, Unwritten> {
    match (shape, value) {
        (Some(shape), Some(value)) => values::write(shape, value, bytes_max),
        (None, None) => Ok("null".to_owned()),
        (Some(_), None) | (None, Some(_)) => Err(Unwritten::Strange),
    }
}

fn unwritten(why: Unwritten, bytes_max: usize) -> wasmtime::Error {
    match why {
        Unwritten::TooLarge => too_large(bytes_max),
        Unwritten::Strange => trapped("its answer is not of the type that it says"),
    }
}

/// Runs a program; its exit code, if its error has one.
async fn run(
    store: &mut Store<Guest>,
    linked: &InstancePre<Guest>,
) -> wasmtime::Result<Option<u8>> {
    // Whatever 0.2 it was made with.
    let ty = linked.component().component_type();
    let engine = store.engine().clone();
    let is_run = |name: &str| name.split('@').next() == Some(RUN);
    let interface = ty.exports(&engine).map(|(name, _)| name).find(|name| is_run(name));
    let interface = interface.ok_or_else(|| trapped("it is no command"))?.to_owned();
    let instance = linked.instantiate_async(&mut *store).await?;
    let function = found(store, &instance, Some(&interface), "run");
    let function = function.ok_or_else(|| trapped("it is no command"))?;
    let function = function.typed::<(), (Result<(), ()>,)>(&*store)?;
    let (said,) = function.call_async(&mut *store, ()).await?;
    Ok(said.ok().map(|()| 0))
}

/// What a program has printed, as its answer or its refusal.
fn printed(guest: &mut Guest, code: Option<u8>, bytes_max: usize) -> Said {
    let (output, errors) = guest.wasi().printed();
    if code != Some(0) {
        let how = code.map_or("an error".to_owned(), |code| format!("exit code {code}"));
        let errors = errors.trim();
        let says = match errors.is_empty() {
            true => "and it says nothing on standard error".to_owned(),
            false => format!("and its standard error ends with: {errors}"),
        };
        return Ok(Err(Refusal { message: format!("it ended with {how}, {says}") }));
    }
    let is_json = |text: &&str| json::check(text, ANSWER_DEPTH_MAX).is_ok();
    let document = str::from_utf8(&output).ok().map(str::trim).filter(is_json);
    let written = match document {
        Some(document) => Ok(document.to_owned()),
        None => values::write_bytes(&output, bytes_max),
    };
    written.map(Ok).map_err(|why| unwritten(why, bytes_max))
}
