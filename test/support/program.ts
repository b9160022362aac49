import { join } from 'node:path'
import {
  isBindingElement,
  isClassDeclaration,
  isExportKeyword,
  isFunctionTypeNode,
  isIdentifier,
  isIntersectionTypeNode,
  isMethodSignatureDeclaration,
  isObjectBindingPattern,
  isPropertyAccessExpression,
  isPropertySignatureDeclaration,
  isTypeAliasDeclaration,
  isTypeLiteralNode,
  isUnionTypeNode,
  type Node,
  type SourceFile,
} from 'typescript/unstable/ast'
import { API, type Symbol as ProgramSymbol, type Project } from 'typescript/unstable/sync'

const home = join(import.meta.dirname, '../..')

/** The project as the compiler sees it. The API of TypeScript 7 may still change, so only this file uses it. */
export class Program {
  /** Source files by path relative to the project. */
  readonly files: ReadonlyMap<string, SourceFile>
  readonly #api = new API({ cwd: home })
  readonly #project: Project

  constructor() {
    this.#project = this.#api.updateSnapshot({ openProjects: ['tsconfig.json'] }).getProjects()[0]!
    const { program, rootFiles } = this.#project
    const files = rootFiles.filter((path) => !path.endsWith('.d.ts'))
    this.files = new Map(files.map((path) => [path.slice(home.length + 1), program.getSourceFile(path)!]))
  }

  close(): void {
    this.#api.close()
  }

  /**
   * The given declared member names that no file reads. `x.name` and `{ name } = x` are reads; assignments and type
   * declarations are not.
   */
  unread(members: readonly Node[], readers: (path: string) => boolean): Node[] {
    const left = new Map(members.map((name) => [placeOf(name), name]))
    const words = new Set(members.map((name) => name.getText()))
    for (const [path, file] of this.files) {
      if (!readers(path)) continue
      for (const symbol of this.#symbolsReadIn(file, words))
        for (const declaration of symbol?.declarations ?? []) {
          const node = declaration.resolve()
          const name = node && nameOf(node)
          if (name) left.delete(placeOf(name))
        }
    }
    return [...left.values()]
  }

  #symbolsReadIn(file: SourceFile, words: ReadonlySet<string>): (ProgramSymbol | undefined)[] {
    const { checker } = this.#project
    const accessed: Node[] = []
    const bound: { pattern: Node; word: string }[] = []
    const visit = (node: Node): undefined => {
      if (isPropertyAccessExpression(node) && words.has(node.name.text)) accessed.push(node.name)
      if (isBindingElement(node) && isObjectBindingPattern(node.parent)) {
        const word = (node.propertyName ?? node.name)?.getText()
        if (word !== undefined && words.has(word)) bound.push({ pattern: node.parent, word })
      }
      node.forEachChild(visit)
      return undefined
    }
    visit(file)
    const types = checker.getTypeAtLocation(bound.map(({ pattern }) => pattern))
    return [
      ...checker.getSymbolAtLocation(accessed),
      ...types.map((type, i) => type && checker.getPropertyOfType(type, bound[i]!.word)),
    ]
  }
}

/** Callable members of a file's exports: members of its classes, and function members of its types. */
export function callableMembers(file: SourceFile): { owner: string; name: Node }[] {
  return file.statements.flatMap((statement) => {
    if (!isClassDeclaration(statement) && !isTypeAliasDeclaration(statement)) return []
    if (!statement.modifiers?.some(isExportKeyword)) return []
    const names = isClassDeclaration(statement) ? statement.members.map(nameOf) : functionsIn(statement.type)
    // Skip private names and protocol members (`[Symbol.iterator]`).
    return names.flatMap((name) =>
      name && isIdentifier(name) ? [{ owner: statement.name?.getText() ?? '', name }] : [],
    )
  })
}

function functionsIn(type: Node): Node[] {
  if (isIntersectionTypeNode(type) || isUnionTypeNode(type)) return type.types.flatMap(functionsIn)
  if (!isTypeLiteralNode(type)) return []
  return type.members.flatMap((member) => {
    const isFunction = isPropertySignatureDeclaration(member)
      ? member.type !== undefined && isFunctionTypeNode(member.type)
      : isMethodSignatureDeclaration(member)
    return isFunction ? (nameOf(member) ?? []) : []
  })
}

const nameOf = (member: Node) => (member as { name?: Node }).name

const placeOf = (name: Node) => `${name.getSourceFile().fileName}:${name.pos}`
