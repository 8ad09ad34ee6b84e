using System.Text.Json.Nodes;

namespace ZeroOS.Docker.Creation;

/// <summary>A named volume in a container, or a path of this computer.</summary>
/// <param name="Source">Docker's name of the volume, or the path.</param>
/// <param name="Path">Where it is mounted.</param>
/// <param name="IsReadOnly">Mounted read-only.</param>
/// <param name="Volume">How the volume is made where it is not there, as POST /volumes/create has it; null: it is a path.</param>
internal sealed record MountPlace(string Source, string Path, bool IsReadOnly, JsonObject? Volume);
