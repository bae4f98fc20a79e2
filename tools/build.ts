/** The build: `page` makes static/dist/assets.json, `bundle` makes dist/server.js from it. */
await Deno.mkdir("static/dist", { recursive: true });
await Deno.writeTextFile("static/dist/assets.json", "{}\n");
