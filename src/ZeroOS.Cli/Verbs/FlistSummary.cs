using System.Text.Json.Serialization;

namespace ZeroOS.Cli.Verbs;

/// <summary>What --json says about a flist.</summary>
internal sealed record FlistSummary(string Digest, long DeviceBytes, long StoredBytes, int Chunks, int? Files);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(FlistSummary))]
[JsonSerializable(typeof(string))]
internal sealed partial class FlistSummaryJson : JsonSerializerContext;
