#include "report/internal/html_parts.h"

namespace arena::report_internal {

// Colours: neutral greys, one blue for data, and an orange-to-blue scale that people with any
// common colour blindness can read; its ends also differ in lightness from its middle.
std::string_view PageStyle() {
  return R"css(
:root{color-scheme:light dark;--bg:#fff;--fg:#1b1c1e;--soft:#5f646b;--line:#e2e4e7;--grid:#eceef0;
--band:#f7f8f9;--data:#1b5f9e;--warn:#8a4b00;--warnbg:#fff6e9;--never:#c9ccd1;
--h0:#b35806;--h1:#cf7420;--h2:#e39a52;--h3:#f0bd88;--h4:#f8dfc4;--h5:#f1f2f3;
--h6:#d5e4f1;--h7:#abcae5;--h8:#76aad4;--h9:#3579b5;--h10:#1b5f9e;--hd:#1b1c1e;--hl:#fff}
@media screen and (prefers-color-scheme:dark){:root{--bg:#141518;--fg:#e8e9eb;--soft:#9ba1a9;
--line:#30333a;--grid:#24272c;--band:#1a1c20;--data:#6db0ea;--warn:#f0b566;--warnbg:#2b2214;
--never:#4a4e56;--h0:#ee8d3f;--h1:#cb722b;--h2:#a25a22;--h3:#77431d;--h4:#4d311d;--h5:#2a2c31;
--h6:#22394f;--h7:#224d74;--h8:#27669c;--h9:#4491cf;--h10:#74b6ee}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0;background:var(--bg);color:var(--fg);font:15px/1.55 system-ui,-apple-system,
"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;font-variant-numeric:tabular-nums}
main{max-width:1080px;margin:0 auto;padding:40px 24px 64px}
h1{font-size:28px;line-height:1.2;font-weight:650;letter-spacing:-.015em;margin:0}
h2{font-size:20px;line-height:1.3;font-weight:650;letter-spacing:-.01em;margin:0}
h3{font-size:14px;font-weight:600;margin:32px 0 8px}
p{margin:0}
h1,h2,.caption,.facts dd,li{overflow-wrap:anywhere}
.caption{color:var(--soft);font-size:13px;margin:0 0 10px;max-width:90ch}
nav{display:flex;flex-wrap:wrap;gap:6px;margin:20px 0 0;padding:0;font-size:13px}
nav a{color:inherit;text-decoration:none;border:1px solid var(--line);border-radius:99px;
padding:2px 11px;max-width:100%;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
nav a:hover{border-color:var(--soft)}
section.board{margin-top:44px;padding-top:28px;border-top:1px solid var(--line)}
section.board:first-of-type{margin-top:24px;padding-top:0;border-top:0}
.facts{display:grid;grid-template-columns:repeat(auto-fill,minmax(148px,1fr));gap:14px 20px;
margin:18px 0 0}
.facts dt{color:var(--soft);font-size:12px;line-height:1.4}
.facts dd{margin:0;font-weight:550}
.warnings{list-style:none;margin:20px 0 0;padding:10px 14px;background:var(--warnbg);
color:var(--warn);border-radius:6px;font-size:14px}
.warnings li+li{margin-top:4px}
.plot{display:grid;grid-template-columns:minmax(72px,max-content) minmax(0,1fr);column-gap:14px}
.plot ol{list-style:none;margin:24px 0 0;padding:0;max-width:min(38vw,300px);font-size:13px}
.plot li{height:24px;line-height:24px;overflow:hidden;text-overflow:ellipsis;white-space:nowrap;
text-align:right}
.plot svg{display:block;width:100%;overflow:visible}
.plot text{fill:var(--soft);font-size:12px}
.plot .band{fill:var(--band)}
.plot .grid{stroke:var(--grid)}
.plot .whisker{stroke:var(--data);stroke-width:2;opacity:.55}
.plot .dot{fill:var(--data);stroke:var(--bg);stroke-width:1.5}
.plot .hit{fill:transparent}
.plot g:hover .whisker{opacity:1;stroke-width:3}
.scroll{overflow-x:auto;scrollbar-width:thin}
.scroll:focus-visible{outline:2px solid var(--data);outline-offset:2px}
table{border-collapse:separate;border-spacing:0}
.figures{width:100%;font-size:14px}
.figures th,.figures td{padding:6px 10px;text-align:right;white-space:nowrap;
border-bottom:1px solid var(--line)}
.figures thead th{color:var(--soft);font-size:12px;font-weight:500;vertical-align:bottom;
white-space:normal;line-height:1.35;border-bottom-color:var(--never)}
.figures tbody tr:hover td,.figures tbody tr:hover th{background:var(--band)}
.figures .name{text-align:left;font-weight:550;position:sticky;left:0;background:var(--bg);
max-width:320px;overflow:hidden;text-overflow:ellipsis}
.figures thead .name{font-weight:500}
.figures .rank{display:inline-block;min-width:34px;padding-right:12px;text-align:right;
color:var(--soft);font-weight:400}
.figures .main{font-weight:600}
.figures .soft{color:var(--soft)}
.style{width:auto}
.heat{font-size:12px;line-height:1}
.heat th{font-weight:400;padding:0}
.heat tbody th{position:sticky;left:0;background:var(--bg);text-align:right;padding:0 8px 0 0;
max-width:min(34vw,220px);overflow:hidden;text-overflow:ellipsis;white-space:nowrap;
line-height:1.5}
.heat thead th{vertical-align:bottom;height:1px}
.heat thead span{display:block;writing-mode:vertical-rl;transform:rotate(180deg);margin:0 auto;
max-height:140px;overflow:hidden;text-overflow:ellipsis;white-space:nowrap;padding-top:6px;
line-height:1.5}
.heat td{width:38px;min-width:38px;height:28px;text-align:center;padding:0;
border:1px solid var(--bg);border-radius:4px;color:var(--hd)}
.heat.small td{width:11px;min-width:11px;height:14px;border-width:.5px;border-radius:2px}
.heat.small{font-size:10px}
.heat.small span,.heat.small th{line-height:1.2}
.heat .self{background:none}
.heat .never{color:var(--soft);background:repeating-linear-gradient(135deg,transparent 0 3px,
var(--never) 3px 4px)}
.h0{background:var(--h0)}.h1{background:var(--h1)}.h2{background:var(--h2)}
.h3{background:var(--h3)}.h4{background:var(--h4)}.h5{background:var(--h5)}
.h6{background:var(--h6)}.h7{background:var(--h7)}.h8{background:var(--h8)}
.h9{background:var(--h9)}.h10{background:var(--h10)}
.heat .h0,.heat .h9,.heat .h10{color:var(--hl)}
@media screen and (prefers-color-scheme:dark){.heat td{color:var(--fg)}
.heat .h0,.heat .h9,.heat .h10{color:#0d0e10}}
.legend{display:flex;flex-wrap:wrap;align-items:center;gap:6px 8px;margin:12px 0 0;
color:var(--soft);font-size:12px}
.legend i{display:inline-block;width:14px;height:10px}
.legend .ramp{display:inline-flex;border-radius:3px;overflow:hidden}
.legend .never{border-radius:3px;margin-left:10px;background:repeating-linear-gradient(135deg,
transparent 0 3px,var(--never) 3px 4px)}
.notes{margin-top:44px;padding-top:24px;border-top:1px solid var(--line);color:var(--soft);
font-size:13px;max-width:76ch}
.notes h2{font-size:14px;color:var(--fg)}
.notes ul{margin:8px 0 0;padding-left:18px}
.notes li+li{margin-top:6px}
@media (max-width:560px){main{padding:24px 16px 40px}h1{font-size:23px}
.facts{grid-template-columns:1fr 1fr;gap:12px 16px}
.plot{column-gap:10px}.plot ol{font-size:12px}
.figures th,.figures td{padding:6px 7px}.figures .name{max-width:46vw}
.figures .rank{min-width:24px;padding-right:8px}
.heat td{width:32px;min-width:32px}}
@media print{main{max-width:none;padding:0}body{font-size:10pt}nav{display:none}
.scroll{overflow:visible}.plot,.figures tr,.heat tr,.facts,.warnings{break-inside:avoid}
.plot.long{break-inside:auto}section.board+section.board{break-before:page}h3{break-after:avoid}
.heat.small{font-size:5px}.heat.small td{width:5px;min-width:5px;height:7px}
.heat td,.legend i,.plot svg,.warnings{-webkit-print-color-adjust:exact;
print-color-adjust:exact}}
)css";
}

}  // namespace arena::report_internal
