//! The names of OpenTelemetry's conventions that spans bear, in one place: none of the `gen_ai` ones
//! is stable yet (v1.41 of the conventions, the last with them), and `cicd` and `vcs` are release
//! candidates (v1.43).

pub(super) const SERVICE_NAME: &str = "service.name";
pub(super) const SERVICE_VERSION: &str = "service.version";

pub(super) const PIPELINE_NAME: &str = "cicd.pipeline.name";
pub(super) const PIPELINE_RUN_ID: &str = "cicd.pipeline.run.id";
pub(super) const PIPELINE_RESULT: &str = "cicd.pipeline.result";
pub(super) const REF_HEAD_NAME: &str = "vcs.ref.head.name";
pub(super) const REF_BASE_NAME: &str = "vcs.ref.base.name";
pub(super) const REPOSITORY_NAME: &str = "vcs.repository.name";

pub(super) const OPERATION: &str = "gen_ai.operation.name";
pub(super) const WORKFLOW: &str = "gen_ai.workflow.name";
pub(super) const PROVIDER: &str = "gen_ai.provider.name";
pub(super) const CONVERSATION: &str = "gen_ai.conversation.id";
pub(super) const REQUEST_MODEL: &str = "gen_ai.request.model";
pub(super) const REQUEST_STREAM: &str = "gen_ai.request.stream";
pub(super) const RESPONSE_ID: &str = "gen_ai.response.id";
pub(super) const TIME_TO_FIRST: &str = "gen_ai.response.time_to_first_chunk";
pub(super) const INPUT_TOKENS: &str = "gen_ai.usage.input_tokens";
pub(super) const OUTPUT_TOKENS: &str = "gen_ai.usage.output_tokens";
pub(super) const CACHE_READ: &str = "gen_ai.usage.cache_read.input_tokens";
pub(super) const CACHE_CREATION: &str = "gen_ai.usage.cache_creation.input_tokens";
pub(super) const REASONING: &str = "gen_ai.usage.reasoning.output_tokens";
pub(super) const TOOL_NAME: &str = "gen_ai.tool.name";
pub(super) const TOOL_TYPE: &str = "gen_ai.tool.type";
pub(super) const TOOL_CALL_ID: &str = "gen_ai.tool.call.id";
pub(super) const ERROR_TYPE: &str = "error.type";

// Ours.
pub(super) const PHASE: &str = "stepwell.phase";
pub(super) const STOP_REASON: &str = "stepwell.stop_reason";
pub(super) const TRY: &str = "stepwell.retry.count";
pub(super) const SPEND: &str = "stepwell.spend.microusd";
pub(super) const SOURCE: &str = "stepwell.call.source";
pub(super) const REPLAYED: &str = "stepwell.replayed";
pub(super) const FUEL: &str = "stepwell.call.fuel";
pub(super) const TESTS: &str = "stepwell.tests";
