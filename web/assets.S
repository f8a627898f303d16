/* The files of web/ui/. Each becomes two symbols, its first byte and the byte
 * after its last one. Read only; no executable stack. */

	.section .rodata

	.macro asset name, file
	.global asset_\name
	.global asset_\name\()_end
	.balign 16
asset_\name:
	.incbin "web/ui/\file"
asset_\name\()_end:
	.byte 0
	.endm

	asset style_css, style.css
	asset app_js, app.js
	asset player_js, player.js
	asset waveform_js, waveform.js
	asset ladder_css, ladder.css
	asset icon_svg, icon.svg

	.section .note.GNU-stack, "", %progbits
