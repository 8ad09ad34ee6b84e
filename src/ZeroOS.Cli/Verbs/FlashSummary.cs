using System.Text.Json.Serialization;

namespace ZeroOS.Cli.Verbs;

/// <summary>What --json says of a written image.</summary>
internal sealed record FlashSummary(string Target, long Bytes, bool Compared, bool BackupTableMoved, bool FarmSettings);

/// <summary>What --json says of a disk, one object a line.</summary>
internal sealed record DiskSummary(string Path, long SizeBytes, string Model, string Serial, bool Removable, bool Usb, string? WhyNot,
    IReadOnlyList<string> Contents);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(FlashSummary))]
[JsonSerializable(typeof(DiskSummary))]
internal sealed partial class FlashJson : JsonSerializerContext;
