/**
 * What makes a drawn graph answer to the pointer and the keyboard: a script that reads the drawing itself. A node's
 * `<title>` becomes a box beside it, everything that it does not rest on fades, and the same quantity is shown in
 * every panel. Where scripts do not run, the picture stays as it is.
 */
import { INK } from '../style.ts';

/** Wires up the drawing in the element of this id, once it is on the page; an `<img>` there becomes the SVG it shows. */
export function hoverScript(id: string): string {
  return `<script>(${HOVER})(${JSON.stringify(id)});</script>`;
}

/** Written for any browser, and as a string so that what is sent does not depend on how this file is compiled. */
const HOVER = `function(id){
var tries=0;
function start(){
var place=document.getElementById(id);
if(!place){if(tries++<600)setTimeout(start,100);return}
var picture=place.querySelector('img');
if(picture){
var bytes=Uint8Array.from(atob(picture.src.split(',')[1]),function(c){return c.charCodeAt(0)});
place.innerHTML=new TextDecoder().decode(bytes);
}
var svg=place.querySelector('svg');
svg.style.maxWidth='100%';svg.style.height='auto';
place.style.position='relative';
var box=document.createElement('div');
box.setAttribute('role','tooltip');
box.style.cssText='position:absolute;display:none;z-index:9;pointer-events:none;max-width:min(440px,92%);box-sizing:border-box;padding:7px 10px;border:1px solid #9aa0a6;border-radius:5px;background:#ffffff;color:${INK.text};box-shadow:0 2px 8px rgba(0,0,0,.25);font:12px/1.4 Helvetica,Arial,sans-serif;white-space:pre-line;text-align:left';
place.appendChild(box);
var panels=[].slice.call(svg.querySelectorAll('.panel')).map(function(panel){
var nodes=[].slice.call(panel.querySelectorAll('.node')),edges=[].slice.call(panel.querySelectorAll('.edge')),parents={};
edges.forEach(function(edge){
var ends=edge.getAttribute('data-edge').split(' \\u2192 ');
(parents['$'+ends[1]]=parents['$'+ends[1]]||[]).push(ends[0]);
});
return{nodes:nodes,edges:edges,parents:parents};
});
function show(name){
panels.forEach(function(panel){
var kept={},waiting=[name],next;
while(waiting.length){next='$'+waiting.pop();if(kept[next])continue;kept[next]=true;waiting=waiting.concat(panel.parents[next]||[])}
panel.nodes.forEach(function(node){node.style.opacity=name===null||kept['$'+node.getAttribute('data-name')]?'':'0.25'});
panel.edges.forEach(function(edge){
var ends=edge.getAttribute('data-edge').split(' \\u2192 ');
edge.style.opacity=name===null||kept['$'+ends[1]]?'':'0.15';
});
});
}
function hide(){box.style.display='none';show(null)}
panels.forEach(function(panel){panel.nodes.forEach(function(node){
var title=node.querySelector('title'),lines=title.textContent;
node.removeChild(title);
node.setAttribute('tabindex','0');
node.setAttribute('aria-label',lines);
node.style.outline='none';
function enter(){
show(node.getAttribute('data-name'));
box.textContent='';
lines.split('\\n').forEach(function(line,i){
var part=document.createElement('div');
if(i===0)part.style.fontWeight='bold';
else part.style.marginTop='4px';
part.textContent=line;
box.appendChild(part);
});
box.style.display='block';
var outer=place.getBoundingClientRect(),inner=node.getBoundingClientRect();
var near=inner.left-outer.left,far=inner.right-outer.left,width=box.offsetWidth,height=box.offsetHeight;
var top=inner.top-outer.top,left;
if(far+10+width<=outer.width)left=far+10;
else if(near-10-width>=0)left=near-10-width;
else{
left=Math.min(near,outer.width-width);
var below=inner.bottom-outer.top+8,above=top-height-8;
top=above>=0&&below+height>outer.height?above:below;
box.style.left=Math.max(0,left)+'px';
box.style.top=top+'px';
return;
}
box.style.left=left+'px';
box.style.top=Math.max(0,Math.min(top,outer.height-height))+'px';
}
node.addEventListener('mouseenter',enter);
node.addEventListener('mouseleave',hide);
node.addEventListener('focus',enter);
node.addEventListener('blur',hide);
})});
}
start();
}`;
