using System.Text.Json.Serialization;

using ZeroOS.Media.SystemImage.Media;

namespace ZeroOS.Media.SystemImage.Inspect;

/// <summary>What zos image inspect finds in a file or folder; --json says it as it stands here.</summary>
/// <param name="Path">What was looked at.</param>
/// <param name="Kind">"efi", "disk", "iso" or "folder".</param>
/// <param name="Bytes">Its length; of a folder, that of the files its SHA256SUMS lists.</param>
/// <param name="Sha256">Its hash, hex; null for a folder.</param>
/// <param name="Partitions">Of a disk or a hybrid ISO image.</param>
/// <param name="Systems">EFI files of ZeroOS in it.</param>
/// <param name="Settings">Farm settings in it.</param>
/// <param name="Media">What a folder's media hold, each by itself.</param>
/// <param name="Files">What a folder's SHA256SUMS lists, each hashed and found right.</param>
internal sealed record ImageFacts(string Path, string Kind, long Bytes, string? Sha256, IReadOnlyList<PartitionFacts> Partitions,
    IReadOnlyList<EfiFacts> Systems, IReadOnlyList<SettingsFacts> Settings, IReadOnlyList<ImageFacts> Media, IReadOnlyList<ImageFile> Files);

/// <summary>A partition.</summary>
/// <param name="Number">From 1, in the order of the table.</param>
/// <param name="Name">As the table has it.</param>
/// <param name="Type">"EFI system", or the type's identifier.</param>
/// <param name="Id">Its identifier.</param>
/// <param name="Offset">Where it begins, in bytes.</param>
/// <param name="Bytes">Its length.</param>
/// <param name="LegacyBootable">Whether a boot loader for BIOS starts it.</param>
internal sealed record PartitionFacts(int Number, string Name, string Type, Guid Id, long Offset, long Bytes, bool LegacyBootable);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ImageFacts))]
[JsonSerializable(typeof(ImageFile))]
internal sealed partial class ImageFactsJson : JsonSerializerContext;
