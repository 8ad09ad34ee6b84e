using System.Text.Json.Nodes;

using ZeroOS.Docker.Json;

namespace ZeroOS.Docker.Creation;

/// <summary>What is kept of a creation: what was sent without what says nothing, over what the image says, as Docker merges both.</summary>
internal static class MergedConfig
{
    private static readonly string[] s_inherited = ["User", "WorkingDir", "StopSignal", "Healthcheck", "Shell"];
    private static readonly string[] s_joined = ["Labels", "ExposedPorts", "Volumes"];

    /// <summary>The body to keep.</summary>
    public static JsonObject Of(JsonObject body, JsonObject image)
    {
        JsonObject merged = Said(body), own = image.Object("config");
        foreach (string name in s_inherited)
        {
            if (Words.IsNothing(merged[name]) && !Words.IsNothing(own[name]))
                merged[name] = own[name]!.DeepClone();
        }
        foreach (string name in s_joined)
        {
            foreach ((string key, JsonNode? value) in own.Object(name))
            {
                if (merged[name] is not JsonObject)
                    merged[name] = new JsonObject();
                if (!merged.Object(name).ContainsKey(key))
                    merged.Object(name)[key] = value?.DeepClone();
            }
        }
        IReadOnlyList<string> given = body.Strings("Env") ?? [];
        merged["Env"] = Words.List([.. (own.Strings("Env") ?? []).Where(v => !given.Any(g => NameOf(g) == NameOf(v))), .. given.Where(g => g.Contains('='))]);
        if (body.Strings("Entrypoint") is { Count: > 0 })
            return merged;
        if (own.Strings("Entrypoint") is { Count: > 0 } entrypoint)
            merged["Entrypoint"] = Words.List(entrypoint);
        if (body.Strings("Cmd") is null or { Count: 0 } && own.Strings("Cmd") is { } cmd)
            merged["Cmd"] = Words.List(cmd);
        return merged;
    }

    private static string NameOf(string variable) => variable.Split('=', 2)[0];

    private static JsonObject Said(JsonObject from)
    {
        JsonObject said = Words.Parse("{}"u8);
        foreach ((string name, JsonNode? value) in from)
        {
            if (!Words.IsNothing(value))
                said[name] = value is JsonObject inner && name == "HostConfig" ? Said(inner) : value!.DeepClone();
        }
        return said;
    }
}
