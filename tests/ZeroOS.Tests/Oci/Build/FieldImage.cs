using ZeroOS.Tests.Formats.Tar;

namespace ZeroOS.Tests.Oci.Build;

/// <summary>Layers that broke a tool somewhere in the world, and the tree that they mean.</summary>
/// <param name="Name">What is odd about them.</param>
/// <param name="Layers">Write the layers, the base first.</param>
/// <param name="Tree">What must come out.</param>
/// <param name="Judges">Who else here shows the tree that is expected.</param>
internal sealed record FieldImage(string Name, Action<TarBytes>[] Layers, ExpectedTree Tree, FieldJudges Judges = FieldJudges.None);
