/* Runs in the page: puts filters and list where the still samples stand. Plain JavaScript, no network, no ids. */
(() => {
  const ID = '__ID__';
  const DATA = '__DATA__';

  async function inflate(base64) {
    const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
    return JSON.parse(await new Response(stream).text());
  }

  function make(name, attributes, ...children) {
    const node = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    node.append(...children);
    return node;
  }

  const FILTERS = [
    {
      name: 'op',
      label: 'op',
      options: (data) => data.ops.map((op) => [op, `op ${op}`]),
      of: (row) => row.op,
    },
    { name: 'context', label: 'context', options: (data) => data.templates, of: (row) => row.template },
    { name: 'mode', label: 'mode', options: (data) => data.modes, of: (row) => row.mode },
    {
      name: 'verdict',
      label: 'verdict',
      options: (data) => data.verdicts.map(([key, label, sign]) => [key, `${sign} ${label}`]),
      of: (row, data) => data.verdicts[row.verdict][0],
    },
    {
      name: 'error',
      label: 'error type',
      options: (data) => data.errors,
      has: (row, data, value) => (row.errors & (1 << data.errors.findIndex(([key]) => key === value))) !== 0,
    },
    {
      name: 'firstError',
      label: 'first error',
      options: (data) => data.firstErrors,
      of: (row, data) => data.firstErrors[row.firstError][0],
    },
  ];

  const passes = (filter, row, data, value) =>
    filter.has ? filter.has(row, data, value) : String(filter.of(row, data)) === value;

  function start(root, data) {
    const app = root.querySelector('.app');
    const problemOf = (sample) => data.problems[sample.problem];
    const rows = data.samples.map((sample) => ({ ...problemOf(sample), ...sample }));
    const chosen = {};
    let visible = [];
    let current = -1;

    const selects = FILTERS.map((filter) => {
      const select = make('select', {}, make('option', { value: '' }, 'all'));
      for (const [value, label] of filter.options(data)) {
        const count = rows.filter((row) => passes(filter, row, data, String(value))).length;
        select.append(make('option', { value }, `${label} (${count})`));
      }
      select.addEventListener('change', () => {
        chosen[filter.name] = select.value;
        refresh();
      });
      return select;
    });
    const reset = make('button', { type: 'button' }, 'all filters off');
    reset.addEventListener('click', () => {
      for (const [i, select] of selects.entries()) {
        select.value = '';
        chosen[FILTERS[i].name] = '';
      }
      refresh();
    });
    const labels = FILTERS.map(({ label }, i) => make('label', {}, label, selects[i]));
    const status = make('div', { role: 'status', class: 'soft' });
    const list = make('nav', { class: 'list', 'aria-label': 'samples by problem' });
    const sample = make('section', { class: 'sample', 'aria-label': 'sample' });
    app.append(
      make('div', { class: 'filters', role: 'group', 'aria-label': 'filters' }, ...labels, reset),
      status,
      make('div', { class: 'panes' }, list, sample),
    );

    const accepts = (row) =>
      FILTERS.every((filter) => !chosen[filter.name] || passes(filter, row, data, chosen[filter.name]));

    function refresh() {
      visible = rows.flatMap((row, i) => (accepts(row) ? [i] : []));
      showStatus();
      showList();
      show(visible.includes(current) ? current : (visible[0] ?? -1));
    }

    function showStatus() {
      let all = 0;
      for (const [op, template, mode, verdict, errors, firstError, count] of data.cells) {
        if (accepts({ op, template, mode, verdict, errors, firstError })) all += count;
      }
      const few = visible.length < all;
      const number = (n) => n.toLocaleString('en-US');
      status.replaceChildren(`${number(visible.length)} of the ${number(rows.length)} samples here, `);
      status.append(few ? `of ${number(all)} in the evaluation` : 'all there are');
      if (few && data.given !== null) status.append('. Others: ', make('code', {}, call()));
    }

    function call() {
      const options = { ...data.given };
      for (const filter of FILTERS) {
        const value = chosen[filter.name];
        if (!value) continue;
        const label = filter.name === 'context' || filter.name === 'mode' ? labelOf(filter, value) : value;
        options[filter.name] = filter.name === 'op' ? Number(value) : label;
      }
      options.page = 1;
      const quoted = (value) => {
        if (Array.isArray(value)) return `[${value.map(quoted).join(', ')}]`;
        return typeof value === 'string' ? `'${value.replace(/[\\']/g, '\\$&')}'` : String(value);
      };
      const fields = Object.entries(options).map(([key, value]) => `${key}: ${quoted(value)}`);
      return `browse(${quoted(data.folder)}, { ${fields.join(', ')} })`;
    }

    const labelOf = (filter, value) => filter.options(data).find(([key]) => key === value)[1];

    function showList() {
      list.replaceChildren();
      let item;
      let problem = -1;
      for (const i of visible) {
        const row = rows[i];
        if (row.problem !== problem) {
          problem = row.problem;
          item = make('div', { class: 'chips' });
          const { op, template, mode } = problemOf(row);
          const name = [`op ${op}`, labelOf(FILTERS[1], template), labelOf(FILTERS[2], mode)].join(' · ');
          list.append(make('div', { class: 'item' }, make('div', {}, name), item));
        }
        const [key, label, sign] = data.verdicts[row.verdict];
        const title = `sample ${row.index}: ${label}`;
        const chip = make('button', { type: 'button', class: key, title, 'aria-label': title, 'data-at': i });
        chip.append(`${sign} ${row.index}`);
        chip.addEventListener('click', () => show(i));
        item.append(chip);
      }
      if (visible.length === 0) list.append(make('p', { class: 'note' }, 'No sample here passes.'));
    }

    function show(at, focus = false) {
      current = at;
      for (const chip of list.querySelectorAll('[data-at]')) {
        const mine = Number(chip.dataset.at) === at;
        chip.setAttribute('aria-current', String(mine));
        chip.tabIndex = mine ? 0 : -1;
        if (!mine) continue;
        if (focus) chip.focus();
        const { top, bottom } = chip.getBoundingClientRect();
        const frame = list.getBoundingClientRect();
        if (top < frame.top) list.scrollTop += top - frame.top - 24;
        if (bottom > frame.bottom) list.scrollTop += bottom - frame.bottom + 24;
      }
      sample.replaceChildren();
      if (at < 0) return;
      const row = rows[at];
      const title = make('span', {}, `${problemOf(row).id} · sample ${row.index}`);
      sample.append(
        make('div', { class: 'title' }, title, step(at, -1, '← previous'), step(at, 1, 'next →')),
      );
      const texts = make('div', {});
      texts.innerHTML = problemOf(row).html + row.html;
      const graph = make('div', { class: 'graph', tabindex: '0', role: 'img', 'aria-label': row.summary });
      graph.innerHTML = row.graph;
      const svg = graph.firstElementChild;
      svg.style.cssText = `width:100%;max-width:${row.width}px;min-width:${Math.round(0.62 * row.width)}px`;
      sample.append(make('div', { class: 'body' }, texts, graph));
    }

    function step(at, by, text) {
      const button = make('button', { type: 'button' }, text);
      const next = visible[visible.indexOf(at) + by];
      if (next === undefined) button.disabled = true;
      button.addEventListener('click', () => {
        show(next);
        const again = sample.querySelectorAll('.title button')[by < 0 ? 0 : 1];
        if (!again.disabled) again.focus();
      });
      return button;
    }

    list.addEventListener('keydown', (event) => {
      const at = visible.indexOf(current);
      const moves = {
        ArrowDown: at + 1,
        ArrowRight: at + 1,
        ArrowUp: at - 1,
        ArrowLeft: at - 1,
        Home: 0,
        End: visible.length - 1,
      };
      const to = visible[moves[event.key]];
      if (to === undefined) return;
      event.preventDefault();
      event.stopPropagation();
      show(to, true);
    });

    /* One quantity lights up wherever it stands. */
    const numberOf = (target) => {
      const mark = target.closest('[data-quantity]');
      if (mark) return mark.dataset.quantity;
      return target.closest('g.node')?.querySelector('.quantity')?.textContent;
    };
    sample.addEventListener('mouseover', (event) => {
      for (const lit of sample.querySelectorAll('.lit')) lit.classList.remove('lit');
      const number = numberOf(event.target);
      if (number === undefined) return;
      for (const mark of sample.querySelectorAll(`[data-quantity="${number}"]`)) mark.classList.add('lit');
      for (const text of sample.querySelectorAll('.quantity')) {
        if (text.textContent === number) text.closest('g.node').classList.add('lit');
      }
    });

    root.querySelector('.still').hidden = true;
    app.hidden = false;
    refresh();
  }

  let tries = 0;
  async function find() {
    const roots = [...document.querySelectorAll(`[data-interplay-browser="${ID}"]:not([data-ready])`)];
    /* Front ends may run a script before its output is on the page. */
    if (roots.length === 0 && tries++ < 600) return void setTimeout(find, 100);
    for (const root of roots) root.setAttribute('data-ready', 'true');
    if (roots.length === 0) return;
    const data = await inflate(DATA);
    for (const root of roots) start(root, data);
  }
  find();
})();
