using System.Text.Json.Nodes;

namespace ZeroOS.Docker.Creation;

/// <summary>One field of a creation, and what becomes of it when it says something.</summary>
/// <param name="Name">"HostConfig.Binds".</param>
/// <param name="Rule">What becomes of it.</param>
/// <param name="Says">For people: what is honoured, or why not.</param>
/// <param name="Harmless">Values that the rule is not about: they are kept.</param>
internal sealed record Field(string Name, FieldRule Rule, string Says, params string[] Harmless)
{
    /// <summary>Whether a value asks for nothing.</summary>
    public bool IsHarmless(JsonNode value) => value switch
    {
        JsonArray list => list.All(v => v is not null && IsHarmless(v)),
        JsonValue one => Harmless.Contains(one.ToString(), StringComparer.OrdinalIgnoreCase),
        JsonObject set => set["Type"] is JsonValue type && Harmless.Contains(type.ToString()),
        _ => false,
    };
}
