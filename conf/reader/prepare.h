// What holds for every node of the file, whatever its key means: no anchors, aliases, merge keys
// and tags, only texts as keys, each key once; and the environment's values are put in, after
// parsing, so that they can add no structure. What is reported here is marked as broken.

#pragma once

#include "conf/reader/cursor.h"
#include "conf/reader/yaml_tree.h"

namespace sockhook::conf {

void prepare(yaml::TreeNode& root, const Environment& environment, Reading& reading);

}  // namespace sockhook::conf
