import { readFileSync } from 'node:fs'
import { isGood, type Findings, type Judged } from '../run.ts'
import { chart } from './chart.ts'
import { digits, escaped, shown, slope } from './format.ts'

const style = readFileSync(new URL('page.css', import.meta.url), 'utf8')

/** The findings as one file that needs nothing else. */
export function reportPage(findings: Findings): string {
  const { options, machine, startedAt, load, samples, judged, invariants } = findings
  const good = isGood(findings)
  const bad = [
    ...judged
      .filter(({ verdict }) => verdict.state === 'rises' || verdict.state === 'falls')
      .map(({ line }) => line.title),
    ...invariants.filter(({ holds }) => !holds).map(({ words }) => `not: ${words}`),
  ]
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sallyport soak, ${digits(options.minutes)} minutes</title>
<style>${style}</style>
<header>
<p class="eyebrow">Sallyport soak · ${startedAt.toISOString().slice(0, 16).replace('T', ' ')} UTC</p>
<h1 class="${good ? 'good' : 'bad'}">${good ? headline(findings) : escaped(bad.join(' · '))}</h1>
<p class="lead">A gateway${options.processes > 1 ? ` of ${options.processes} processes` : ''}, two agents and a PostgreSQL server under ${load.came.toLocaleString('en')} clients that came and went for
${digits(options.minutes)} minutes, while an agent was restarted ${load.restarts.length} times. ${escaped(machine)}.</p>
</header>
<section class="facts">
${fact('clients', load.came.toLocaleString('en'))}
${fact('operations a second', digits(levelOf(judged, 'operations')))}
${fact('live sessions', digits(levelOf(judged, 'sessions')))}
${fact('gateway memory', shown(levelOf(judged, 'gateway-rss'), 'bytes'))}
${fact('agent memory', shown(levelOf(judged, 'agent-rss'), 'bytes'))}
${fact('unexpected', String(load.unexpected.length))}
</section>
<h2>Afterwards</h2>
<ul class="invariants">
${invariants.map(({ words, holds, detail }) => `<li class="${holds ? 'good' : 'bad'}"><b>${escaped(words)}</b><span>${escaped(detail)}</span></li>`).join('\n')}
</ul>
<h2>All along</h2>
<p class="legend"><i class="k seen"></i>as sampled <i class="k point"></i>least or middle of each span <i class="k trend"></i>slope through these
<i class="k warm"></i>warm-up, not judged <i class="k restart"></i>an agent is restarted</p>
${judged.map((one) => card(one, findings)).join('\n')}
<h2>Who came</h2>
${tallies(findings)}
${load.unexpected.length === 0 ? '' : unexpected(findings)}
<footer>${samples.length} samples. Slopes are the middle one of those between all pairs of points (Theil and Sen).</footer>
</html>
`
}

function headline({ judged }: Findings): string {
  const isJudged = judged.some(({ verdict }) => verdict.state !== 'too short')
  return isJudged
    ? 'Flat lines, nothing lost, nothing left.'
    : 'Nothing lost, nothing left. Too short to judge slopes.'
}

function card(one: Judged, { samples, load }: Findings): string {
  const { line, verdict } = one
  const isBad = verdict.state === 'rises' || verdict.state === 'falls'
  const words = {
    flat: 'flat',
    rises: 'rises',
    falls: 'falls',
    explained: 'explained',
    'too short': 'too short to judge',
  }
  return `<article>
<div class="side">
<h3>${escaped(line.title)}</h3>
<p>${escaped(line.meaning)}</p>
<p class="verdict ${isBad ? 'bad' : verdict.state === 'flat' ? 'good' : 'open'}">${words[verdict.state]}</p>
<dl>
<dt>level</dt><dd>${shown(verdict.level, line.unit)}</dd>
<dt>slope</dt><dd>${slope(verdict.slopePerHour, line.unit)}</dd>
<dt>tolerated</dt><dd>${slope(line.mayNot === 'rise' ? verdict.toleratedPerHour : -verdict.toleratedPerHour, line.unit)}</dd>
</dl>
${verdict.reason === undefined ? '' : `<p class="reason">${verdict.state === 'explained' ? 'Because' : 'It may be that'} ${escaped(verdict.reason)}.</p>`}
</div>
${chart(one, samples, load.restarts)}
</article>`
}

function tallies({ load }: Findings): string {
  const most = Math.max(1, ...load.tallies.map(({ came }) => came))
  const rows = load.tallies.map(({ name, came, ended, cutOff, stayedAway }) => {
    const odd = load.unexpected.filter(({ visit }) => visit === name).length
    const bar = (count: number, of: string): string =>
      count === 0 ? '' : `<i class="${of}" style="width:${((count / most) * 100).toFixed(2)}%"></i>`
    return `<tr><th>${escaped(name)}</th><td class="bar">${bar(ended, 'ended')}${bar(cutOff, 'cut')}${bar(odd, 'odd')}</td>
<td>${came.toLocaleString('en')}</td><td>${ended.toLocaleString('en')}</td><td>${cutOff}</td><td>${stayedAway}</td><td class="${odd > 0 ? 'bad' : ''}">${odd}</td></tr>`
  })
  return `<table><thead><tr><th>kind</th><th></th><th>came</th><th>as expected</th><th>cut off by a restart</th><th>stayed away, full</th><th>unexpected</th></tr></thead>
<tbody>${rows.join('\n')}</tbody></table>`
}

function unexpected({ load }: Findings): string {
  const shownOnes = load.unexpected.slice(0, 50)
  return `<h2>Unexpected</h2>
<ol class="unexpected">${shownOnes.map(({ atMs, visit, words }) => `<li><b>${escaped(visit)}</b> after ${(atMs / 60_000).toFixed(1)} min<pre>${escaped(words.slice(0, 2000))}</pre></li>`).join('\n')}</ol>`
}

function levelOf(judged: readonly Judged[], id: string): number {
  return judged.find(({ line }) => line.id === id)?.verdict.level ?? 0
}

const fact = (name: string, value: string): string => `<div><b>${value}</b><span>${name}</span></div>`
