import { expect, test } from 'vitest'
import { problemPage, readErrorLines } from '../../http/problem-page.ts'

const table = `
| code            | when                                    | what to do                    |
| --------------- | --------------------------------------- | ----------------------------- |
| \`TIDEMARK_ONE\`  | 404: no \`<device>\` & "nothing" else.    | Read [the page](OTHER.md#x).  |
| \`TIDEMARK_TWO\`  | Twice.                                  | Nothing.                      |
| \`value.invalid\` | of a dead letter                        |
`

test('the lines of the tables are read, those of dead letters are not', () => {
  const lines = readErrorLines(table)
  expect([...lines.keys()]).toEqual(['TIDEMARK_ONE', 'TIDEMARK_TWO'])
  expect(lines.get('TIDEMARK_TWO')).toEqual({ code: 'TIDEMARK_TWO', when: 'Twice.', whatToDo: 'Nothing.' })
})

test('a page shows code as code, the text of a link, and nothing as markup', () => {
  const page = problemPage(readErrorLines(table).get('TIDEMARK_ONE')!)
  expect(page).toContain('<p>404: no <code>&lt;device></code> &amp; &quot;nothing&quot; else.</p>')
  expect(page).toContain('<p>Read the page.</p>')
})
