using System.Text.Json.Serialization;

namespace ZeroOS.Media.Serve.Report;

/// <summary>One thing that happened, as --json says it: one object a line.</summary>
/// <param name="Time">When.</param>
/// <param name="Computer">The card's address; the IP address when the card is not known; null for the server itself.</param>
/// <param name="Address">The IP address, once known.</param>
/// <param name="Kind">BIOS PXE, UEFI PXE, UEFI HTTP, iPXE.</param>
/// <param name="Event">serving, asks, nothing-for-it, loads, progress, loaded, failed, unknown-file, runs, stopped.</param>
/// <param name="File">The file, or the URL it was sent to.</param>
/// <param name="Bytes">How far it is.</param>
/// <param name="TotalBytes">The file's length.</param>
/// <param name="BytesPerSecond">How fast it goes.</param>
/// <param name="Why">Why not.</param>
internal sealed record BootEvent(DateTimeOffset Time, string? Computer, string? Address, string? Kind, string Event, string? File = null, long? Bytes = null,
    long? TotalBytes = null, long? BytesPerSecond = null, string? Why = null);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(BootEvent))]
internal sealed partial class BootEventJson : JsonSerializerContext;
