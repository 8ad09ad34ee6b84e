using System.Text.Json.Serialization;

namespace ZeroOS.Media.SystemImage.Sbom;

/// <summary>A bill of materials as SPDX 2.3 has it in JSON (spdx.github.io/spdx-spec/v2.3): the part of the form that is used here.</summary>
internal sealed record SpdxDocument
{
    public string SpdxVersion { get; } = "SPDX-2.3";

    public string DataLicense { get; } = "CC0-1.0";

    [JsonPropertyName("SPDXID")]
    public string Id { get; } = "SPDXRef-DOCUMENT";

    public required string Name { get; init; }

    /// <summary>A URI of this document and no other.</summary>
    public required string DocumentNamespace { get; init; }

    public required SpdxCreation CreationInfo { get; init; }

    public required IReadOnlyList<SpdxPackage> Packages { get; init; }

    public required IReadOnlyList<SpdxRelationship> Relationships { get; init; }
}

/// <summary>When and by what; here the time of the sources, so that the same image has the same bill.</summary>
internal sealed record SpdxCreation(string Created, IReadOnlyList<string> Creators);

/// <summary>Something that has a version.</summary>
internal sealed record SpdxPackage
{
    [JsonPropertyName("SPDXID")]
    public required string Id { get; init; }

    public required string Name { get; init; }

    public required string VersionInfo { get; init; }

    public required string Supplier { get; init; }

    public string DownloadLocation { get; } = "NOASSERTION";

    public bool FilesAnalyzed { get; }

    public string LicenseConcluded { get; } = "NOASSERTION";

    public string LicenseDeclared { get; } = "NOASSERTION";

    public string CopyrightText { get; } = "NOASSERTION";

    public string? Comment { get; init; }

    public string? SourceInfo { get; init; }

    public IReadOnlyList<SpdxChecksum>? Checksums { get; init; }

    public IReadOnlyList<SpdxReference>? ExternalRefs { get; init; }
}

/// <summary>The hash of a package that is one file.</summary>
internal sealed record SpdxChecksum(string Algorithm, string ChecksumValue);

/// <summary>What others call a package.</summary>
internal sealed record SpdxReference(string ReferenceCategory, string ReferenceType, string ReferenceLocator);

/// <summary>How two packages stand to each other.</summary>
internal sealed record SpdxRelationship(string SpdxElementId, string RelationshipType, string RelatedSpdxElement);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    WriteIndented = true)]
[JsonSerializable(typeof(SpdxDocument))]
internal sealed partial class SpdxJson : JsonSerializerContext;
