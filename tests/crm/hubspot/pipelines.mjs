// Pipelines and their stages, of deals and tickets (section 14).

import { randomUUID } from 'node:crypto';
import { ApiError, notFound, validation } from './errors.mjs';
import { array, boolean, integer, map, object, string } from './shape.mjs';

const METADATA = map(string);
const STAGE = object({ label: string, displayOrder: integer, stageId: string, metadata: METADATA },
  ['label', 'displayOrder', 'metadata']);
const CREATE = object({ label: string, displayOrder: integer, pipelineId: string, stages: array(STAGE) },
  ['label', 'displayOrder', 'stages']);
const REPLACE = object({ label: string, displayOrder: integer, stages: array(STAGE) }, ['label', 'displayOrder', 'stages']);
const PATCH = object({ label: string, displayOrder: integer, archived: boolean });
const STAGE_REPLACE = object({ label: string, displayOrder: integer, metadata: METADATA }, ['label', 'displayOrder', 'metadata']);
const STAGE_PATCH = object({ label: string, displayOrder: integer, archived: boolean, metadata: METADATA });

function pipelines(call) {
  const list = call.portal.pipelines.get(call.type.plural);
  if (list === undefined) throw validation(`Object type ${call.type.id} has no pipelines`);
  return list;
}

function wanted(call) {
  const found = pipelines(call).find((p) => p.id === call.params.pipeline && !p.archived);
  if (found === undefined) throw notFound(`Pipeline ${call.params.pipeline} does not exist`);
  return found;
}

function wantedStage(call) {
  const pipeline = wanted(call);
  const stage = pipeline.stages.find((s) => s.id === call.params.stage && !s.archived);
  if (stage === undefined) throw notFound(`Stage ${call.params.stage} does not exist`);
  return { pipeline, stage };
}

function shown(pipeline) {
  return { ...pipeline, stages: pipeline.stages.filter((s) => !s.archived) };
}

// Probability is required for deals; stage ids are unique over all pipelines of a type.
function newStage(call, given, keep) {
  checkMetadata(call, given.metadata);
  const id = given.stageId ?? keep?.id ?? String(Math.floor(Math.random() * 9e8) + 1e8);
  if (id.length > 100) throw validation('stageId must be at most 100 characters');
  const now = new Date().toISOString();
  return {
    id, label: given.label, displayOrder: given.displayOrder, metadata: withClosed(call, given.metadata),
    archived: false, createdAt: keep?.createdAt ?? now, updatedAt: now, writePermissions: 'CRM_PERMISSIONS_ENFORCEMENT',
  };
}

function checkMetadata(call, metadata) {
  if (call.type.plural !== 'deals') return;
  const probability = Number(metadata.probability);
  if (metadata.probability === undefined || !(probability >= 0 && probability <= 1))
    throw validation('Deal stages need metadata.probability between 0.0 and 1.0');
}

function withClosed(call, metadata) {
  if (call.type.plural !== 'deals') return { ...metadata };
  return { isClosed: String(['0', '0.0', '1', '1.0'].includes(metadata.probability)), ...metadata };
}

function refuseForeignStages(call, stages, own) {
  for (const pipeline of pipelines(call))
    for (const stage of pipeline.stages)
      if (pipeline !== own && !pipeline.archived && stages.some((s) => s.stageId === stage.id))
        throw new ApiError(409, {
          message: `Stage ID '${stage.id}' already exists in another pipeline.`, category: 'CONFLICT',
          subCategory: 'STAGE_ID_EXISTS_IN_ANOTHER_PIPELINE',
        });
}

// Refused while records stand in a stage.
function refuseUsed(call, stageIds) {
  const name = call.type.plural === 'deals' ? 'dealstage' : 'hs_pipeline_stage';
  for (const record of call.type.records.values())
    if (record.archivedAt === 0 && stageIds.includes(record.props[name]))
      throw validation(`Stage ${record.props[name]} is in use`, { subCategory: 'PipelineError.STAGE_ID_IN_USE' });
}

export function list(call) {
  return { status: 200, body: { results: pipelines(call).filter((p) => !p.archived).map(shown) } };
}

export function create(call) {
  const body = call.json(CREATE);
  const all = pipelines(call);
  const id = body.pipelineId ?? randomUUID();
  if (id.length > 36) throw validation('pipelineId must be at most 36 characters');
  if (all.some((p) => !p.archived && (p.id === id || p.label === body.label)))
    throw new ApiError(409, { message: `Pipeline ${id} already exists.`, category: 'CONFLICT' });
  refuseForeignStages(call, body.stages);
  const now = new Date().toISOString();
  const pipeline = {
    id, label: body.label, displayOrder: body.displayOrder, archived: false, createdAt: now, updatedAt: now,
    stages: body.stages.map((stage) => newStage(call, stage)),
  };
  if (new Set(pipeline.stages.map((s) => s.id)).size !== pipeline.stages.length) throw validation('Stage ids must be unique');
  all.push(pipeline);
  return { status: 201, body: shown(pipeline) };
}

export function read(call) {
  return { status: 200, body: shown(wanted(call)) };
}

function touch(target, changes) {
  return Object.assign(target, changes, { updatedAt: new Date().toISOString() });
}

export function replace(call) {
  const body = call.json(REPLACE);
  const pipeline = wanted(call);
  refuseForeignStages(call, body.stages, pipeline);
  const kept = body.stages.map((s) => s.stageId);
  refuseUsed(call, pipeline.stages.map((s) => s.id).filter((id) => !kept.includes(id)));
  const stages = body.stages.map((given) => newStage(call, given, pipeline.stages.find((s) => s.id === given.stageId)));
  return { status: 200, body: shown(touch(pipeline, { label: body.label, displayOrder: body.displayOrder, stages })) };
}

export function update(call) {
  const changes = call.json(PATCH);
  const pipeline = call.portal.pipelines.get(call.type.plural)?.find((p) => p.id === call.params.pipeline);
  if (pipeline === undefined) throw notFound(`Pipeline ${call.params.pipeline} does not exist`);
  if (changes.archived === true) refuseUsed(call, pipeline.stages.map((s) => s.id));
  return { status: 200, body: shown(touch(pipeline, changes)) };
}

export function remove(call) {
  const pipeline = wanted(call);
  refuseUsed(call, pipeline.stages.map((s) => s.id));
  touch(pipeline, { archived: true });
  return { status: 204 };
}

export function stageList(call) {
  return { status: 200, body: { results: shown(wanted(call)).stages } };
}

export function stageCreate(call) {
  const body = call.json(STAGE);
  const pipeline = wanted(call);
  refuseForeignStages(call, [body], pipeline);
  const stage = newStage(call, body);
  if (pipeline.stages.some((s) => s.id === stage.id && !s.archived))
    throw new ApiError(409, { message: `Stage ID '${stage.id}' already exists.`, category: 'CONFLICT' });
  pipeline.stages.push(stage);
  return { status: 201, body: stage };
}

export function stageRead(call) {
  return { status: 200, body: wantedStage(call).stage };
}

export function stageReplace(call) {
  const body = call.json(STAGE_REPLACE);
  const { stage } = wantedStage(call);
  checkMetadata(call, body.metadata);
  return { status: 200, body: touch(stage, { ...body, metadata: withClosed(call, body.metadata) }) };
}

export function stageUpdate(call) {
  const changes = call.json(STAGE_PATCH);
  const { stage } = wantedStage(call);
  if (changes.archived === true) refuseUsed(call, [stage.id]);
  if (changes.metadata !== undefined) {
    const metadata = { ...stage.metadata, ...changes.metadata };
    checkMetadata(call, metadata);
    changes.metadata = metadata;
  }
  return { status: 200, body: touch(stage, changes) };
}

export function stageRemove(call) {
  const { stage } = wantedStage(call);
  refuseUsed(call, [stage.id]);
  touch(stage, { archived: true });
  return { status: 204 };
}
