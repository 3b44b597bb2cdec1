/** The parts of OpenAPI 3.1 that the description of our calls uses. @see https://spec.openapis.org/oas/v3.1.1.html */
export interface ApiDescription {
  openapi: string
  info: {
    title: string
    version: string
    summary: string
    description: string
    license: { name: string; identifier: string }
  }
  servers: { url: string }[]
  tags: { name: string; description: string }[]
  paths: Record<string, PathItem>
  components: {
    schemas: Record<string, JsonSchema>
    parameters: Record<string, Parameter>
    headers: Record<string, { description: string; schema: JsonSchema }>
    responses: Record<string, Response>
    securitySchemes: Record<string, SecurityScheme>
  }
}

export type JsonSchema = Record<string, unknown>
/** By the method, in lower case. */
export type PathItem = Record<string, Operation>

export interface Operation {
  operationId: string
  tags: [string]
  summary: string
  description?: string
  parameters?: (Parameter | Reference)[]
  requestBody?: RequestBody
  responses: Record<string, Response | Reference>
  security: Record<string, never[]>[]
}

export interface RequestBody {
  required: boolean
  content: Content
}

export interface Parameter {
  name: string
  in: 'path' | 'query' | 'header'
  required: boolean
  description?: string
  schema: JsonSchema
}

export interface Response {
  description: string
  headers?: Record<string, Reference>
  content?: Content
}
export type Content = Record<string, { schema: JsonSchema | Reference }>
export interface Reference {
  $ref: string
}
export type SecurityScheme =
  | { type: 'apiKey'; in: 'cookie'; name: string; description: string }
  | { type: 'http'; scheme: 'bearer'; description: string }
