namespace ZeroOS.Contracts.Release;

/// <summary>What a TPM says of a computer that booted this image and nothing else: measurements.json beside an image (docs/measured-boot.md).</summary>
public sealed record Measurements
{
    /// <summary>The image's version, three numbers.</summary>
    public required string Version { get; init; }

    /// <summary>Hash of the kernel and of everything else in the initramfs, "sha256:" and hex: what /release in the image and the node itself say.</summary>
    public required string ImageDigest { get; init; }

    /// <summary>The EFI file.</summary>
    public required EfiMeasurement Efi { get; init; }

    /// <summary>The kernel inside it, which some firmware measures a second time when the stub starts it.</summary>
    public required LinuxMeasurement Linux { get; init; }

    /// <summary>PCR 11 of the sha256 bank once systemd-stub has measured the file's sections, 64 hex digits.</summary>
    public required string Pcr11 { get; init; }

    /// <summary>The key that signs this and later PCR 11 values: hex SHA-256 of it as DER RSAPublicKey (PKCS #1), the "pkfp" of .pcrsig; null for an
    /// image without such a key.</summary>
    public required string? PcrSigningKey { get; init; }
}

/// <summary>An EFI file, by both of its names.</summary>
public sealed record EfiMeasurement
{
    /// <summary>SHA-256 of the whole file, hex.</summary>
    public required string Sha256 { get; init; }

    /// <summary>SHA-256 of the file as Authenticode has it, hex: what firmware extends PCR 4 with, and what a Secure Boot signature signs.</summary>
    public required string Authenticode { get; init; }
}

/// <summary>The kernel inside an EFI file.</summary>
public sealed record LinuxMeasurement
{
    /// <summary>SHA-256 of the kernel as Authenticode has it, hex.</summary>
    public required string Authenticode { get; init; }
}
