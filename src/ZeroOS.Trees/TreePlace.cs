using ZeroOS.Linux;

namespace ZeroOS.Trees;

/// <summary>Where an archive is unpacked.</summary>
/// <param name="Directory">Into this directory, which stays the caller's.</param>
/// <param name="Name">What the first entry is called there, and everything else has to lie in it: empty, it is the directory itself. Null: all entries keep
/// their names.</param>
public sealed record TreePlace(OpenDirectory Directory, string? Name = null);
