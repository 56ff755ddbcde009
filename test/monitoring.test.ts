import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { parser } from '@prometheus-io/lezer-promql'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'

/** A metric as docs/metrics.md lists it; the gateway's own tests hold that page against what it serves. */
interface Listed {
  readonly type: string
  readonly labels: readonly string[]
}

const metrics = listedOn(readFileSync('docs/metrics.md', 'utf8'))
const dashboard = JSON.parse(readFileSync('deploy/grafana/sallyport.json', 'utf8')) as Dashboard
const rules = (parse(readFileSync('deploy/prometheus/alerts.yaml', 'utf8')) as Alerts).groups.flatMap(
  (group) => group.rules,
)

interface Dashboard {
  readonly panels: readonly {
    readonly id: number
    readonly type: string
    readonly title: string
    readonly description?: string
    readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
    readonly targets?: readonly { readonly expr: string }[]
  }[]
}
interface Alerts {
  readonly groups: readonly { readonly rules: readonly Rule[] }[]
}
interface Rule {
  readonly alert: string
  readonly expr: string
  readonly labels: { readonly severity: string }
  readonly annotations: { readonly summary: string; readonly action: string }
}

describe('the alert rules', () => {
  test.each(rules.map((rule) => [rule.alert, rule] as const))(
    '%s asks for metrics that there are',
    (_, rule) => {
      expect(problemsOf(rule.expr)).toEqual([])
      expect(rule.labels.severity).toMatch(/^(critical|warning)$/)
      expect(rule.annotations.summary).not.toBe('')
      expect(rule.annotations.action).not.toBe('')
    },
  )

  test('are taken by Prometheus itself, and fire when they should', (context) => {
    const promtool = spawnSync('promtool', ['check', 'rules', 'deploy/prometheus/alerts.yaml'], {
      encoding: 'utf8',
    })
    context.skip(promtool.error !== undefined, 'promtool is not here (Debian: prometheus)')
    expect(promtool.stderr + promtool.stdout).toMatch(new RegExp(`SUCCESS: ${rules.length} rules found`))
    const cases = spawnSync('promtool', ['test', 'rules', 'test/alerts.cases.yaml'], { encoding: 'utf8' })
    expect(cases.stderr + cases.stdout).toMatch(/SUCCESS/)
  })
})

describe('the dashboard', () => {
  const panels = dashboard.panels.filter(({ type }) => type !== 'row')

  test.each(panels.map((panel) => [panel.title, panel] as const))(
    '%s asks for metrics that there are',
    (_, panel) => {
      expect(panel.description).toMatch(/\.$/)
      expect(panel.targets?.length).toBeGreaterThan(0)
      for (const { expr } of panel.targets ?? [])
        expect(problemsOf(expr.replaceAll('$__rate_interval', '5m'))).toEqual([])
    },
  )

  test('shows each metric somewhere, or an alert asks for it', () => {
    const asked = [...panels.flatMap(({ targets = [] }) => targets), ...rules]
      .map(({ expr }) => expr)
      .join('\n')
    expect([...metrics.keys()].filter((name) => !asked.includes(name))).toEqual([])
  })

  test('has each panel in a place of its own', () => {
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length)
    const taken = new Set<string>()
    for (const { title, gridPos } of dashboard.panels) {
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24)
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++)
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(taken.has(`${x},${y}`) ? title : undefined).toBeUndefined()
          taken.add(`${x},${y}`)
        }
    }
  })
})

test('an expression with a mistake in it is found out', () => {
  expect(problemsOf('rate(sallyport_no_such_total[5m])')).toEqual(['no metric sallyport_no_such_total'])
  expect(problemsOf('sum by (colour) (sallyport_sessions_live)')).toEqual(['no label colour'])
  expect(problemsOf('sallyport_sessions_live{colour="red"}')).toEqual(['no label colour'])
  expect(problemsOf('sallyport_sessions_live_bucket')).toEqual(['no metric sallyport_sessions_live_bucket'])
  expect(problemsOf('rate(sallyport_sessions_live[5m]')[0]).toMatch(/^no PromQL/)
})

/** What is wrong with an expression: its syntax, its metrics, their labels. */
function problemsOf(expression: string): string[] {
  const problems: string[] = []
  const named: Listed[] = []
  const labels: string[] = []
  parser.parse(expression).iterate({
    enter(node) {
      const words = expression.slice(node.from, node.to)
      if (node.type.isError) problems.push(`no PromQL at ${node.from}: ${expression}`)
      if (node.name === 'LabelName') labels.push(words)
      if (node.name !== 'Identifier') return
      const metric = metricOf(words)
      if (metric === undefined) problems.push(`no metric ${words}`)
      else named.push(metric)
    },
  })
  if (problems.length > 0) return problems
  // Prometheus adds job and instance, and le to buckets.
  const known = new Set(['job', 'instance', 'le', ...named.flatMap((metric) => metric.labels)])
  return labels.filter((label) => !known.has(label)).map((label) => `no label ${label}`)
}

/** `up` is Prometheus' own. */
function metricOf(series: string): Listed | undefined {
  if (series === 'up') return { type: 'gauge', labels: [] }
  const histogram = metrics.get(series.replace(/_(bucket|sum|count)$/, ''))
  return metrics.get(series) ?? (histogram?.type === 'histogram' ? histogram : undefined)
}

function listedOn(page: string): ReadonlyMap<string, Listed> {
  const rows = [...page.matchAll(/^\| `(\w+)` +\| (\w+) +\| (.*?) *\|/gm)]
  return new Map(
    rows.map(([, name = '', type = '', labels = '']) => [
      name,
      { type, labels: [...labels.matchAll(/`(\w+)`/g)].map(([, label = '']) => label) },
    ]),
  )
}
